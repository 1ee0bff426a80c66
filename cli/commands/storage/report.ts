/** What two looks at the buckets say: growth, what was freed, and when it is full. */
import type { Amount, Held } from "./measure";

const day = 86_400_000;
/** A growth over less than this, in milliseconds, says little of a day. */
const shortest = day / 24;
/** How far back a growth is measured, in milliseconds. */
const longest = 7 * day;
/** Looks that are remembered. */
const remembered = 200;

/** One look at all buckets. */
export interface Look {
  /** When, in milliseconds since 1970. */
  at: number;
  buckets: Record<string, Held>;
}

/** A line of the report. */
export interface BucketReport extends Amount {
  bucket: string;
  /** Bytes that it grows by in a day; undefined where nothing tells yet. */
  growthPerDay?: number;
  /** Where the growth comes from: earlier looks, or MinIO's metrics in Prometheus. */
  growthFrom?: "looks" | "metrics";
  /** What was deleted or overwritten since the last look; undefined at the first. */
  freed?: Amount;
  /** Bytes that it may hold (`objectStorage.buckets.<key>.quota`). */
  quota?: number;
  /** Days until its quota or the volumes are full; undefined where it does not grow or nothing tells. */
  daysUntilFull?: number;
}

/** The whole report. */
export interface StorageReport {
  /** When the last look was; undefined at the first. */
  since?: number;
  buckets: BucketReport[];
  /** All volumes together. */
  volumes: { used: number; free?: number; growthPerDay?: number; daysUntilFull?: number };
  /** What should be looked after, in sentences. */
  warnings: string[];
}

/** What the report is made from. */
export interface Findings {
  look: Look;
  /** Of what the last look saw, what is still there. */
  before: Record<string, Amount>;
  /** Earlier looks, oldest first. */
  earlier: Look[];
  quotas: Record<string, number | undefined>;
  /** Bytes a day by MinIO's metrics. */
  trend?: Record<string, number>;
  /** Bytes that the volumes still take. */
  free?: number;
}

/** The look that a growth is measured against: the oldest of the last week, if it is an hour old. */
export const reference = (earlier: Look[], at: number): Look | undefined =>
  earlier.find((look) => at - look.at <= longest && at - look.at >= shortest);

/** Days until something of which so much is left is full; undefined where it does not grow. */
const daysUntil = (left: number | undefined, growth: number | undefined): number | undefined =>
  left === undefined || growth === undefined || growth <= 0 ? undefined : Math.max(0, left) / growth;

const least = (...days: (number | undefined)[]): number | undefined => {
  const known = days.filter((one) => one !== undefined);
  return known.length ? Math.min(...known) : undefined;
};

/** Fewer days than this until it is full are worth a warning: time to order disks. */
export const warnBelow = 30;
/** Share of a quota from which on it is worth a warning. */
const nearlyFull = 0.8;

const sum = (amounts: (number | undefined)[]): number | undefined =>
  amounts.every((one) => one === undefined)
    ? undefined
    : amounts.reduce<number>((all, one) => all + (one ?? 0), 0);

/** Joins what was found to a report. */
export function reportOf(findings: Findings): StorageReport {
  const { look, before, earlier, quotas, trend, free } = findings;
  const last = earlier.at(-1);
  const then = reference(earlier, look.at);
  const grown = (bucket: string, bytes: number): Pick<BucketReport, "growthPerDay" | "growthFrom"> => {
    const past = then?.buckets[bucket];
    if (then && past)
      return { growthPerDay: ((bytes - past.bytes) / (look.at - then.at)) * day, growthFrom: "looks" };
    const told = trend?.[bucket];
    return told === undefined ? {} : { growthPerDay: told, growthFrom: "metrics" };
  };
  const lines = Object.entries(look.buckets).map(([bucket, { objects, bytes }]): BucketReport => {
    const past = last?.buckets[bucket];
    const still = before[bucket];
    const quota = quotas[bucket];
    return {
      bucket,
      objects,
      bytes,
      ...grown(bucket, bytes),
      // All that the last look saw was written by then, so that what is missing of it now was deleted.
      ...(past &&
        still && {
          freed: {
            objects: Math.max(0, past.objects - still.objects),
            bytes: Math.max(0, past.bytes - still.bytes),
          },
        }),
      ...(quota !== undefined && { quota }),
    };
  });
  const growthPerDay = sum(lines.map((line) => line.growthPerDay));
  const volumesFull = daysUntil(free, growthPerDay);
  const full = lines.map((line) => {
    const left = line.quota === undefined ? undefined : line.quota - line.bytes;
    const grows = (line.growthPerDay ?? 0) > 0;
    const days = least(daysUntil(left, line.growthPerDay), grows ? volumesFull : undefined);
    return days === undefined ? line : { ...line, daysUntilFull: days };
  });
  return {
    ...(last && { since: last.at }),
    buckets: full,
    volumes: {
      used: sum(lines.map(({ bytes }) => bytes)) ?? 0,
      ...(free !== undefined && { free }),
      ...(growthPerDay !== undefined && { growthPerDay }),
      ...(volumesFull !== undefined && { daysUntilFull: volumesFull }),
    },
    warnings: warningsOf(full, volumesFull),
  };
}

function warningsOf(lines: BucketReport[], volumesFull: number | undefined): string[] {
  const days = (count: number) => (count < 1 ? "less than a day" : `${Math.floor(count)} days`);
  return [
    ...lines.flatMap(({ bucket, bytes, quota, growthPerDay }) => {
      if (quota === undefined) return [];
      const left = daysUntil(quota - bytes, growthPerDay);
      const used = bytes / quota;
      return left !== undefined && left < warnBelow
        ? [`${bucket} reaches its quota in ${days(left)}: raise it or shorten what is kept`]
        : used >= nearlyFull
          ? [`${bucket} holds ${Math.round(used * 100)} % of its quota`]
          : [];
    }),
    ...(volumesFull !== undefined && volumesFull < warnBelow
      ? [
          `the volumes are full in ${days(volumesFull)}: raise objectStorage.minio.disk or shorten what is kept`,
        ]
      : []),
  ];
}

/** The looks to remember after another one. */
export const withLook = (earlier: Look[], look: Look): Look[] => [...earlier, look].slice(-remembered);
