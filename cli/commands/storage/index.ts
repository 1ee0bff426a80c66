/** `obs storage`: usage, growth and time until full of each bucket, from MinIO's metrics in Prometheus. */
import { UserError } from "../../../settings";
import { daysUntilFull, type Growth } from "../../../settings/forecast";
import { longestRetention } from "../../../settings/retention";
import { day, sizeText } from "../../../settings/units";
import { type Connection, connectStores } from "../../lib/cluster";
import { queryPrometheus } from "../../lib/prometheus";
import { columns, table } from "../../lib/text";

/** The growth of the last day, if there are samples, one every 5 minutes, of at least 6 hours. */
const bytes = "max by (bucket) (minio_bucket_usage_total_bytes)";
const growthPerDay = `deriv(${bytes}[1d:5m]) * 86400 and count_over_time(${bytes}[1d:5m]) >= 72`;

/** Queries of MinIO's metrics, by bucket where they have one. */
const queries = {
  bytes,
  objects: "max by (bucket) (minio_bucket_usage_object_total)",
  growthPerDay,
  free: "min(minio_cluster_capacity_usable_free_bytes)",
} as const;

/** Results of the queries, by bucket. */
export type Measured = Record<keyof typeof queries, Map<string, number>>;

/** Fewer days than this until full are a warning: time to order disks. */
export const warnBelow = 30;

/** A bucket in the settings: its quota in bytes, and the days after which its objects are deleted. */
export interface Configured {
  name: string;
  quota?: number | undefined;
  kept?: number;
}

/**
 * The known numbers of each bucket, in the order of the settings. The volumes are full when all buckets together fill them.
 * A bucket from which retention deletes as much as is added before that is never full.
 */
export function reportOf(buckets: Configured[], measured: Measured) {
  const [free] = measured.free.values();
  const growth = ({ name, kept = Infinity }: Configured): Growth[] => {
    const daily = measured.growthPerDay.get(name);
    return daily === undefined ? [] : [{ daily, kept, held: measured.bytes.get(name) ?? 0 }];
  };
  const volumes = free === undefined ? undefined : daysUntilFull(buckets.flatMap(growth), free);
  return buckets.map((one) => {
    const { name: bucket, quota } = one;
    const [bytes, objects] = [measured.bytes.get(bucket), measured.objects.get(bucket)];
    const growthPerDay = measured.growthPerDay.get(bucket);
    const own =
      quota === undefined || bytes === undefined
        ? undefined
        : daysUntilFull(growth(one), Math.max(0, quota - bytes));
    const days = [own, (growthPerDay ?? 0) > 0 ? volumes : undefined].filter((one) => one !== undefined);
    return {
      bucket,
      objects,
      bytes,
      growthPerDay,
      quota,
      daysUntilFull: days.length ? Math.min(...days) : undefined,
    };
  });
}

/** The report of a stack with MinIO, and the free bytes of its volumes. @throws if Prometheus does not respond */
export async function measure(connection: Connection) {
  const { settings } = connection;
  const results = Object.entries(queries).map(async ([name, query]) => {
    const samples = await queryPrometheus(connection, query);
    return [name, new Map(samples.map(({ labels, value }) => [labels["bucket"] ?? "", value]))];
  });
  const measured: Measured = Object.fromEntries(await Promise.all(results));
  const kept: Record<string, number> = longestRetention(settings);
  const buckets = Object.entries(settings.objectStorage.buckets).map(
    ([key, { name, quota }]): Configured => ({ name, quota, kept: (kept[key] ?? Infinity) / day }),
  );
  const [free] = measured.free.values();
  return { free, buckets: reportOf(buckets, measured) };
}

const cell = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? "-" : text(value);
const growthText = (bytes: number) => `${bytes < 0 ? "-" : "+"}${sizeText(Math.abs(bytes))}`;
const fullIn = (days: number) =>
  `${days > 3650 ? "> 10 years" : `${Math.floor(days)} d`}${days < warnBelow ? " (!)" : ""}`;

/** The report as a table. */
export function textOf(buckets: ReturnType<typeof reportOf>, free: number | undefined): string {
  const rows = columns(buckets, [
    ["bucket", ({ bucket }) => bucket],
    ["objects", ({ objects }) => cell(objects, String)],
    ["size", ({ bytes }) => cell(bytes, sizeText)],
    ["growth/day", ({ growthPerDay }) => cell(growthPerDay, growthText)],
    ["quota", ({ quota }) => cell(quota, sizeText)],
    ["full in", ({ daysUntilFull }) => cell(daysUntilFull, fullIn)],
  ]);
  return [
    table(rows),
    `\n${cell(free, sizeText)} free on MinIO's volumes. MinIO counts usage every few minutes; growth is that of the last day, from 6 hours of samples on.`,
  ].join("\n");
}

/** @returns the exit code 0 @throws UserError if MinIO is not part of the stack, or Prometheus does not respond */
export async function storage(stack: string, json: boolean): Promise<number> {
  const connection = await connectStores(stack);
  const { kind } = connection.settings.objectStorage;
  if (kind !== "minio")
    throw new UserError(
      `objectStorage.kind: ${kind} has no metrics here (must be minio). Use the console of its provider`,
    );
  const { free, buckets } = await measure(connection).catch((error: Error) => {
    throw new UserError(`cannot query Prometheus, which has MinIO's metrics: ${error.message}`);
  });
  console.log(json ? JSON.stringify({ stack, free, buckets }, null, 2) : textOf(buckets, free));
  return 0;
}
