/** Actions of the engine tests on a real cluster: start pods that log, query Loki, scale workloads. */

import { AppsV1Api, CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { minioClient, rootOf } from "../../cli/lib/minio";
import { smokeImage } from "../../cli/lib/script-pod";
import { bodyOf } from "../../cli/lib/service";
import { throughTunnel } from "../../cli/lib/tunnel";
import { minioApi } from "../../components/object-storage/pods";
import { gatewayUser, tenants } from "../../names";
import type { Settings } from "../../settings";
import { namespaces, services } from "./names";

/** An entry as Loki returns it. */
export interface Entry {
  labels: Record<string, string>;
  line: string;
}

/** Entries of the last hour that a query returns, at most `limit`. */
export async function query(config: KubeConfig, logql: string, limit = 100): Promise<Entry[]> {
  const since = Date.now() - 3600 * 1000;
  const parameters = new URLSearchParams({ query: logql, limit: String(limit), start: `${since}000000` });
  const path = `/loki/api/v1/query_range?${parameters}`;
  const body = await bodyOf(config, services.loki, { path, as: gatewayUser(tenants.logs, "read") });
  const streams: { stream: Record<string, string>; values: [string, string][] }[] =
    JSON.parse(body).data.result;
  return streams.flatMap(({ stream, values }) => values.map(([, line]) => ({ labels: stream, line })));
}

/** Number of entries of the last hour that a query returns, counted by Loki itself. */
export async function count(config: KubeConfig, logql: string): Promise<number> {
  const parameters = new URLSearchParams({ query: `sum(count_over_time(${logql} [1h]))` });
  const path = `/loki/api/v1/query?${parameters}`;
  const body = await bodyOf(config, services.loki, { path, as: gatewayUser(tenants.logs, "read") });
  return Number(JSON.parse(body).data.result[0]?.value[1] ?? 0);
}

/** A series of Mimir's API: with a value, or with the values of a range. */
interface Series {
  metric: Record<string, string>;
  value: [time: number, value: string];
  values: [time: number, value: string][];
}

/** The result of an instant query in Mimir, as a tenant's reader. */
export async function instant(config: KubeConfig, tenant: string, promql: string): Promise<Series[]> {
  const path = `/prometheus/api/v1/query?${new URLSearchParams({ query: promql })}`;
  const body = await bodyOf(config, services.mimir, { path, as: gatewayUser(tenant, "read") });
  return JSON.parse(body).data.result;
}

/** Makes the ingesters write their data to the bucket. */
export const flush = (config: KubeConfig): Promise<string> =>
  bodyOf(
    config,
    { namespace: namespaces.loki, name: "loki-ingester", port: 3100 },
    { method: "POST", path: "/flush" },
  );

/** Retries until the result is accepted or the time is up; then returns the last result. */
export async function eventually<T>(
  seconds: number,
  ask: () => Promise<T>,
  accepted: (answer: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask().catch((error: Error) => error);
    if (!(answer instanceof Error) && accepted(answer)) return answer;
    if (Date.now() > deadline) {
      if (answer instanceof Error) throw answer;
      return answer;
    }
    await new Promise((wake) => setTimeout(wake, 1000));
  }
}

/** Starts a pod that runs a shell script. */
export async function startPod(
  config: KubeConfig,
  namespace: string,
  name: string,
  script: string,
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> } = {},
): Promise<void> {
  const image = process.env["OBS_TEST_IMAGE"] ?? smokeImage;
  await config.makeApiClient(CoreV1Api).createNamespacedPod({
    namespace,
    body: {
      metadata: { name, ...metadata },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "writer", image, command: ["sh", "-c", script] }],
      },
    },
  });
}

/** Scales all workloads in a namespace, and waits until that many pods of each are ready, or all are deleted. */
export async function scaleNamespace(config: KubeConfig, namespace: string, replicas: number): Promise<void> {
  const api = config.makeApiClient(AppsV1Api);
  const body = [{ op: "replace", path: "/spec/replicas", value: replicas }];
  const deployments = (await api.listNamespacedDeployment({ namespace })).items;
  const statefulSets = (await api.listNamespacedStatefulSet({ namespace })).items;
  for (const { metadata } of deployments)
    await api.patchNamespacedDeploymentScale({ namespace, name: metadata?.name ?? "", body });
  for (const { metadata } of statefulSets)
    await api.patchNamespacedStatefulSetScale({ namespace, name: metadata?.name ?? "", body });
  const pods = async () => (await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace })).items;
  const wanted = replicas * (deployments.length + statefulSets.length);
  const settled = (found: V1Pod[]) =>
    found.length === wanted &&
    found.every(({ status }) => status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"));
  const found = await eventually(300, pods, settled);
  if (!settled(found))
    throw new Error(`${found.length} pods in ${namespace} where ${wanted} should be ready`);
}

/** An object in a bucket, and its encryption. */
export interface StoredObject {
  name: string;
  encryption: string | undefined;
}

/** The objects in a bucket of the stack's MinIO. */
export async function objectsIn(
  config: KubeConfig,
  settings: Settings,
  bucket: string,
): Promise<StoredObject[]> {
  const keys = await rootOf({ config, settings });
  return throughTunnel(config, minioApi(settings), async (port) => {
    const client = minioClient(port, keys);
    const objects: StoredObject[] = [];
    for await (const { name } of client.listObjectsV2(bucket, "", true)) {
      const { metaData } = await client.statObject(bucket, name);
      objects.push({ name, encryption: metaData["x-amz-server-side-encryption"] });
    }
    return objects;
  });
}
