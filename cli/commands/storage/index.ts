/** `obs storage`: usage, growth and time until full of each bucket. */
import { UserError } from "../../../settings";
import { connect } from "../../lib/cluster";
import { queryPrometheus } from "../../lib/prometheus";
import { type Measured, queries, reportOf, textOf } from "./report";

/** @returns the exit code 0 @throws UserError if MinIO is not part of the stack, or Prometheus does not respond */
export async function storage(stack: string, json: boolean): Promise<number> {
  const connection = await connect(stack);
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
