/** The report of `obs storage` for people. */
import type { StorageReport } from "./report";
import { warnBelow } from "./report";

/** Bytes in the largest binary unit that they fill: `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0;
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

const growth = (bytes: number | undefined, about = false) =>
  bytes === undefined ? "–" : `${about ? "~" : ""}${bytes < 0 ? "-" : "+"}${bytesText(Math.abs(bytes))}`;

/** Days as people plan with them; an exclamation mark where there are few. */
const days = (count: number | undefined) =>
  count === undefined
    ? "–"
    : `${count < warnBelow ? "! " : ""}${count > 3650 ? "> 10 years" : count < 1 ? "< 1 d" : `${Math.floor(count)} d`}`;

/** Lines with columns; all but the first are flush right. */
function aligned(rows: string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => (column ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** The report as a table, warnings below it. */
export function tableOf({ since, buckets, volumes, warnings }: StorageReport): string {
  const rows = buckets.map((line) => [
    line.bucket,
    String(line.objects),
    bytesText(line.bytes),
    growth(line.growthPerDay, line.growthFrom === "metrics"),
    line.freed ? `${bytesText(line.freed.bytes)} (${line.freed.objects})` : "–",
    line.quota === undefined ? "–" : bytesText(line.quota),
    days(line.daysUntilFull),
  ]);
  const all = [
    "volumes",
    String(buckets.reduce((total, { objects }) => total + objects, 0)),
    bytesText(volumes.used),
    growth(volumes.growthPerDay),
    since === undefined
      ? "–"
      : bytesText(buckets.reduce((total, { freed }) => total + (freed?.bytes ?? 0), 0)),
    volumes.free === undefined ? "–" : `${bytesText(volumes.free)} free`,
    days(volumes.daysUntilFull),
  ];
  const head = ["bucket", "objects", "size", "growth a day", "freed (objects)", "quota", "full in"];
  return [
    ...aligned([head, ...rows, all]),
    "",
    since === undefined
      ? "What was freed is told from the second look on."
      : `Freed since ${new Date(since).toISOString().slice(0, 16).replace("T", " ")} UTC.`,
    ...(buckets.some(({ growthFrom }) => growthFrom === "metrics")
      ? ["~ by MinIO's metrics of the last day; from a second look on, an hour later, by what was counted."]
      : []),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}
