/** Reads the reasons why pods are not ready. */
import { CoreV1Api, type KubeConfig, type V1ContainerStatus, type V1Pod } from "@kubernetes/client-node";
import {
  containersOf,
  diagnose,
  isTroubled,
  isUnready,
  logLines,
  mostPods,
  type Observed,
} from "./pod-diagnosis";

/** The end of a container's log; that of its previous run if it is not running. */
const logOf = (
  api: CoreV1Api,
  namespace: string,
  pod: string,
  { name, state, restartCount }: V1ContainerStatus,
) =>
  api
    .readNamespacedPodLog({
      namespace,
      name: pod,
      container: name,
      tailLines: logLines,
      previous: restartCount > 0 && !state?.running,
    })
    .catch(() => "");

/** The ends of the logs of containers that keep pods from being ready, by `pod/container`. */
export async function troubledLogs(
  api: CoreV1Api,
  namespace: string,
  pods: V1Pod[],
): Promise<Observed["logs"]> {
  const logs: Observed["logs"] = {};
  for (const pod of pods.filter(isUnready).slice(0, mostPods))
    for (const status of containersOf(pod).filter(isTroubled)) {
      const name = pod.metadata?.name ?? "";
      logs[`${name}/${status.name}`] = await logOf(api, namespace, name, status);
    }
  return logs;
}

/** Reads a namespace, or the pods in it that match a selector. */
async function observe(api: CoreV1Api, namespace: string, labelSelector?: string): Promise<Observed> {
  const [pods, claims, events] = await Promise.all([
    api.listNamespacedPod({ namespace, ...(labelSelector && { labelSelector }) }),
    api.listNamespacedPersistentVolumeClaim({ namespace }),
    api.listNamespacedEvent({ namespace }),
  ]);
  const logs = await troubledLogs(api, namespace, pods.items);
  return { namespace, pods: pods.items, claims: claims.items, events: events.items, logs };
}

/**
 * Why pods are not ready, read from the cluster.
 *
 * @param labelSelector selects the pods. @default all of the namespaces
 */
export async function diagnosis(
  config: KubeConfig,
  namespaces: string[],
  labelSelector?: string,
): Promise<string[]> {
  const api = config.makeApiClient(CoreV1Api);
  try {
    return diagnose(await Promise.all(namespaces.map((one) => observe(api, one, labelSelector))));
  } catch (error) {
    return [`The pods cannot be read: ${(error as Error).message.split("\n")[0]}`];
  }
}
