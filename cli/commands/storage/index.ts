/** `obs storage`: usage, growth and time until full of each bucket. */
import type { KubeConfig } from "@kubernetes/client-node";
import { kubeConfig } from "../../../components/kube-config";
import { services } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { locate } from "../../lib/cluster";
import { bodyOf } from "../../lib/service";
import { type Measured, queries, reportOf, textOf } from "./report";

/** A query's result by bucket. @throws UserError if Prometheus does not answer */
async function measure(config: KubeConfig, settings: Settings, query: string): Promise<Map<string, number>> {
  const path = `/api/v1/query?${new URLSearchParams({ query })}`;
  const text = await bodyOf(config, services(settings).prometheus, { path }).catch((error: Error) => {
    throw new UserError(`cannot query Prometheus, which has MinIO's metrics: ${error.message}`);
  });
  return new Map(
    JSON.parse(text).data.result.map(
      ({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => [
        metric["bucket"] ?? "",
        Number(value[1]),
      ],
    ),
  );
}

/**
 * Prints a table, or JSON.
 *
 * @returns the exit code 0
 * @throws UserError if MinIO is not part of the stack, or Prometheus does not answer
 */
export async function storage(stack: string, json: boolean): Promise<number> {
  const { settings, environment } = await locate(stack);
  const { kind, buckets } = settings.objectStorage;
  if (kind !== "minio")
    throw new UserError(
      `objectStorage.kind: ${kind} has no metrics here (must be minio). Use the console of its provider`,
    );
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  const results = await Promise.all(
    Object.entries(queries).map(async ([name, query]) => [name, await measure(config, settings, query)]),
  );
  const measured: Measured = Object.fromEntries(results);
  const report = reportOf(
    Object.fromEntries(Object.values(buckets).map(({ name, quota }) => [name, quota])),
    measured,
  );
  const [free] = measured.free.values();
  console.log(json ? JSON.stringify({ stack, free, buckets: report }, null, 2) : textOf(report, free));
  return 0;
}
