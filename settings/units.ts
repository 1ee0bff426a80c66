/**
 * Units, parsed once. Inside the program every duration is a number of seconds, every size a number of bytes, every
 * rate a number of bytes per second (expected logs: per day) and every CPU amount a number of millicores. The functions
 * at the end convert them to the form that each consumer reads.
 */
import { z } from "zod";

/** A day in seconds. */
export const day = 86400;

const KiB = 1024;
const BINARY: Record<string, number> = { Ki: KiB, Mi: KiB ** 2, Gi: KiB ** 3, Ti: KiB ** 4 };
/** Loki and Mimir count a megabyte as 1024 × 1024 bytes (`ingestion_rate_mb`); so does this program. */
const LOKI: Record<string, number> = { KB: KiB, MB: KiB ** 2, GB: KiB ** 3 };
const DAILY = { MB: KiB ** 2, GB: KiB ** 3, TB: KiB ** 4 };
const COUNTS: Record<string, number> = { "": 1, k: 1e3, M: 1e6, G: 1e9 };
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: day };

/** Seconds of a duration as Go and Prometheus write it, such as `720h0m0s` or `1w`; undefined if it is none. */
export function secondsOf(text: unknown): number | undefined {
  const units: Record<string, number> = { ms: 0.001, ...SECONDS, w: 7 * day, y: 365 * day };
  const parts = [...String(text).matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)];
  if (!parts.length || parts.map(([part]) => part).join("") !== String(text)) return undefined;
  return parts.reduce((sum, [, digits, unit = ""]) => sum + Number(digits) * (units[unit] ?? 0), 0);
}

/** A string of one number and one unit, turned into a plain number by the table of units. */
function amount(form: RegExp, units: Record<string, number>, allowed: string) {
  return z
    .string({ error: () => allowed })
    .transform((text, context): number => {
      const [, digits, unit] = form.exec(text) ?? [];
      const value = Number(digits) * (units[unit ?? ""] ?? Number.NaN);
      if (Number.isFinite(value) && value > 0) return value;
      context.issues.push({ code: "custom", input: text, message: allowed });
      return z.NEVER;
    })
    .meta({ allowed });
}

/** `pulumi config set --path` writes a number without a unit as a number. */
const asWritten = (value: number | string) => (typeof value === "number" ? String(value) : value);

/** A duration such as `15s`, `10m`, `2h`, `30d`; in seconds. */
export const duration = () =>
  amount(/^(\d+)(s|m|h|d)$/, SECONDS, "a duration: a positive integer with unit s, m, h or d, such as 30d");

/** A size such as `512Mi` or `50Gi`; in bytes. */
export const size = () =>
  amount(
    /^(\d+)(Ki|Mi|Gi|Ti)$/,
    BINARY,
    "a size: a positive integer with unit Ki, Mi, Gi or Ti, such as 50Gi",
  );

/** A rate such as `10MB/s`; in bytes per second, with 1 MB = 1024 × 1024 bytes as Loki counts. */
export const byteRate = () =>
  amount(
    /^(\d+)(KB|MB|GB)\/s$/,
    LOKI,
    "a rate: a positive integer with unit KB/s, MB/s or GB/s, such as 10MB/s",
  );

/** A volume such as `1TB/day`; in bytes per day, with 1 TB = 1024⁴ bytes. */
export const dailyVolume = () =>
  amount(
    /^(\d+)(MB|GB|TB)\/day$/,
    DAILY,
    "a volume: a positive integer with unit MB/day, GB/day or TB/day, such as 1TB/day",
  );

/** A count such as `1M` or `250000`. */
export const count = () => {
  const allowed = "a count: an integer, optionally with k, M or G, such as 1M";
  return z.preprocess(asWritten, amount(/^(\d+)(k|M|G|)$/, COUNTS, allowed)).meta({ allowed });
};

/** A number in each second such as `100k/s`. */
export const perSecond = () =>
  amount(
    /^(\d+)(k|M|G|)\/s$/,
    COUNTS,
    "a rate: an integer, optionally with k, M or G, and /s, such as 100k/s",
  );

/** A CPU amount such as `250m` or `2`; in millicores. */
export const cpu = () => {
  const allowed = "an amount of CPU: cores such as 2, or millicores such as 250m";
  const text = amount(/^(\d+)(m|)$/, { m: 1, "": 1000 }, allowed);
  return z.preprocess(asWritten, text).meta({ allowed });
};

/** Seconds as Go's `time.ParseDuration` and Prometheus' duration both read them: `720h`, `90m`, `15s`. */
export function goDuration(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds % 60 === 0) return `${seconds / 60}m`;
  return `${seconds}s`;
}

/** Bytes as a Kubernetes quantity in the largest binary unit that divides them: `50Gi`. */
export function quantity(bytes: number): string {
  const [unit, factor] = Object.entries(BINARY).findLast(([, factor]) => bytes % factor === 0) ?? ["", 1];
  return `${bytes / factor}${unit}`;
}

/** Bytes per second in the largest unit that divides them: `10MB/s`. */
export function byteRateText(bytes: number): string {
  const [unit, factor] = Object.entries(LOKI).findLast(([, factor]) => bytes % factor === 0) ?? ["B", 1];
  return `${bytes / factor}${unit}/s`;
}

/** Value of a Kubernetes quantity such as `50Gi`, `50G`, `1024` or `250m`. */
export function bytesOf(text: string): number {
  const [, digits, unit = ""] = /^([\d.]+)([A-Za-z]*)$/.exec(text) ?? [];
  const decimal: Record<string, number> = { "": 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  return Number(digits) * (BINARY[unit] ?? decimal[unit] ?? Number.NaN);
}

/** Millicores as a Kubernetes quantity: `250m`, `2`. */
export function cpuQuantity(millicores: number): string {
  return millicores % 1000 === 0 ? `${millicores / 1000}` : `${millicores}m`;
}

/** Bytes in Loki's and Mimir's megabytes (1024 × 1024). */
export const megabytes = (bytes: number): number => bytes / KiB ** 2;

/** Seconds in whole days, rounded up, so that a lifecycle never undercuts a retention. */
export const wholeDays = (seconds: number): number => Math.ceil(seconds / day);

/** A number with three significant digits, the rest cut off: 66.6, 343, 0.125. */
function short(value: number): string {
  if (value <= 0) return "0";
  const step = 10 ** (Math.floor(Math.log10(value)) - 2);
  // Corrects the rounding error of the division.
  return String(Number((Math.floor(value / step + 1e-6) * step).toPrecision(3)));
}

/** A value in the largest of the units that it reaches. */
function inUnits(value: number, units: Record<string, number>): string {
  const [first = ["", 1] as const] = Object.entries(units);
  const [unit, factor] = Object.entries(units).findLast(([, factor]) => value >= factor) ?? first;
  return `${short(value / factor)}${unit}`;
}

/** A readable count, cut to three digits: `1M`, `66.6k`. */
export const countText = (value: number): string => inUnits(value, COUNTS);

/** Readable bytes per day, cut to three digits: `1TB/day`. */
export const dailyText = (bytes: number): string => `${inUnits(bytes, DAILY)}/day`;

/** Readable bytes, cut to three digits: `34.9Gi`. */
export const sizeText = (bytes: number): string =>
  bytes < KiB ** 2 ? "<1Mi" : inUnits(bytes, { Mi: KiB ** 2, Gi: KiB ** 3, Ti: KiB ** 4 });

/** Millicores in cores, cut to three digits: `0.25`. */
export const coresText = (millicores: number): string =>
  millicores < 10 ? "<0.01" : short(millicores / 1000);
