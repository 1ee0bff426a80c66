/** What a mistake needs in a cluster, and what must be the same after it. */
import { AppsV1Api, CoreV1Api, type KubeConfig, type V1StatefulSet } from "@kubernetes/client-node";
import { namespaceOwner } from "../../../names";
import { namespaces } from "../names";
import { type Mistake, rightSettings, statefulSet } from "./mistake";

const ours = new Set<string>(Object.values(namespaces));

/** Puts what a mistake needs into the cluster. @returns how to take it away again */
export async function install(config: KubeConfig, mistake: Mistake): Promise<() => Promise<unknown>> {
  if (!mistake.installed) return async () => undefined;
  const api = config.makeApiClient(AppsV1Api);
  const object = statefulSet(rightSettings(mistake), mistake.installed);
  const { name, namespace = "" } = object.metadata;
  await config
    .makeApiClient(CoreV1Api)
    .createNamespace({
      body: { metadata: { name: namespace, labels: { [namespaceOwner.label]: namespaceOwner.project } } },
    })
    .catch((error: { code?: number }) => {
      if (error.code !== 409) throw error;
    });
  await api.createNamespacedStatefulSet({ namespace, body: object as V1StatefulSet });
  return () => api.deleteNamespacedStatefulSet({ name, namespace });
}

/** The namespaces of a stack that are there, with their ids; on a cluster with work others come and go. */
export const namespacesOf = async (config: KubeConfig): Promise<string> =>
  (await config.makeApiClient(CoreV1Api).listNamespace()).items
    .filter(({ metadata }) => ours.has(metadata?.name ?? ""))
    .map(({ metadata }) => `${metadata?.name} ${metadata?.uid} ${metadata?.deletionTimestamp ?? ""}`)
    .sort()
    .join("\n");
