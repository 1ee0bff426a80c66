/** Objects that a mistake needs in a cluster, and objects that must not change. */
import { AppsV1Api, CoreV1Api, type KubeConfig, type V1StatefulSet } from "@kubernetes/client-node";
import { namespaceOwner } from "../../../names";
import { namespaces } from "../names";
import { type Mistake, rightSettings, statefulSet } from "./mistake";

const ours = new Set<string>(Object.values(namespaces));

/** Creates the objects that a mistake needs. @returns a function that deletes them */
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

/** The existing namespaces of a stack, with their UIDs; on a busy cluster, others are created and deleted. */
export const namespacesOf = async (config: KubeConfig): Promise<string> =>
  (await config.makeApiClient(CoreV1Api).listNamespace()).items
    .filter(({ metadata }) => ours.has(metadata?.name ?? ""))
    .map(({ metadata }) => `${metadata?.name} ${metadata?.uid} ${metadata?.deletionTimestamp ?? ""}`)
    .sort()
    .join("\n");
