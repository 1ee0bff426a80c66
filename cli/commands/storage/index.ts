/** `obs storage`: usage, growth and time until full of each bucket, from MinIO's metrics in Prometheus. */
import { UserError } from "../../../settings";
import { sizeText } from "../../../settings/units";
import { connectStores } from "../../lib/cluster";
import { queryPrometheus } from "../../lib/prometheus";
import { columns, table } from "../../lib/text";

/** Queries of MinIO's metrics, by bucket where they have one. */
export const queries = {
  bytes: "max by (bucket) (minio_bucket_usage_total_bytes)",
  objects: "max by (bucket) (minio_bucket_usage_object_total)",
  /** Bytes a day, at the growth of the last day. */
  growthPerDay: "deriv(max by (bucket) (minio_bucket_usage_total_bytes)[1d:5m]) * 86400",
  free: "min(minio_cluster_capacity_usable_free_bytes)",
} as const;

/** Results of the queries, by bucket. */
export type Measured = Record<keyof typeof queries, Map<string, number>>;

/** Fewer days than this until full are a warning: time to order disks. */
export const warnBelow = 30;

/** Days until so many bytes are added; undefined if they never are, or if a number is missing. */
const daysUntil = (left: number | undefined, growth: number | undefined): number | undefined =>
  left === undefined || growth === undefined || growth <= 0 ? undefined : Math.max(0, left) / growth;

const known = (numbers: (number | undefined)[]): number[] => numbers.filter((one) => one !== undefined);

/**
 * The known numbers of each bucket, in the order of the settings. The volumes are full when all buckets together fill them;
 * a bucket that does not grow is never full.
 */
export function reportOf(quotas: Record<string, number | undefined>, measured: Measured) {
  const [free] = measured.free.values();
  const growth = known([...measured.growthPerDay.values()]).reduce((total, one) => total + one, 0);
  return Object.entries(quotas).map(([bucket, quota]) => {
    const [bytes, objects] = [measured.bytes.get(bucket), measured.objects.get(bucket)];
    const growthPerDay = measured.growthPerDay.get(bucket);
    const left = quota === undefined || bytes === undefined ? undefined : quota - bytes;
    const volumes = (growthPerDay ?? 0) > 0 ? daysUntil(free, growth) : undefined;
    const days = known([daysUntil(left, growthPerDay), volumes]);
    const daysUntilFull = days.length ? Math.min(...days) : undefined;
    return { bucket, objects, bytes, growthPerDay, quota, daysUntilFull };
  });
}

const cell = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? "-" : text(value);
const growthText = (bytes: number) => `${bytes < 0 ? "-" : "+"}${sizeText(Math.abs(bytes))}`;
const daysText = (days: number) =>
  `${days > 3650 ? "> 10 years" : `${Math.floor(days)} d`}${days < warnBelow ? " (!)" : ""}`;

/** The report as a table. */
export function textOf(buckets: ReturnType<typeof reportOf>, free: number | undefined): string {
  const rows = columns(buckets, [
    ["bucket", ({ bucket }) => bucket],
    ["objects", ({ objects }) => cell(objects, String)],
    ["size", ({ bytes }) => cell(bytes, sizeText)],
    ["growth/day", ({ growthPerDay }) => cell(growthPerDay, growthText)],
    ["quota", ({ quota }) => cell(quota, sizeText)],
    ["full in", ({ daysUntilFull }) => cell(daysUntilFull, daysText)],
  ]);
  return [
    table(rows),
    `\n${cell(free, sizeText)} free on MinIO's volumes. MinIO counts usage every few minutes; growth is that of the last day.`,
  ].join("\n");
}

/** @returns the exit code 0 @throws UserError if MinIO is not part of the stack, or Prometheus does not respond */
export async function storage(stack: string, json: boolean): Promise<number> {
  const connection = await connectStores(stack);
  const { kind, buckets } = connection.settings.objectStorage;
  if (kind !== "minio")
    throw new UserError(
      `objectStorage.kind: ${kind} has no metrics here (must be minio). Use the console of its provider`,
    );
  const results = Object.entries(queries).map(async ([name, query]) => {
    const samples = await queryPrometheus(connection, query).catch((error: Error) => {
      throw new UserError(`cannot query Prometheus, which has MinIO's metrics: ${error.message}`);
    });
    return [name, new Map(samples.map(({ labels, value }) => [labels["bucket"] ?? "", value]))];
  });
  const measured: Measured = Object.fromEntries(await Promise.all(results));
  const quotas = Object.fromEntries(Object.values(buckets).map(({ name, quota }) => [name, quota]));
  const report = reportOf(quotas, measured);
  const [free] = measured.free.values();
  console.log(json ? JSON.stringify({ stack, free, buckets: report }, null, 2) : textOf(report, free));
  return 0;
}
