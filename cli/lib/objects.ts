/** Helpers for objects of the cluster. */
import { ApiException, type CoreV1Api, type V1Pod, type V1Secret } from "@kubernetes/client-node";
import { condition, podLines } from "../../components/pod-diagnosis";
import { namespaces } from "../../names";
import type { Settings } from "../../settings";

/** JSON that is read deeply, such as a dashboard or an object of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: its form is known where it is read
export type Json = any;

/** The object; undefined if it does not exist. */
export const ifExists = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return undefined;
    throw error;
  }
};

/** The text of a key of a Secret; empty if there is none. */
export const secretText = (secret: V1Secret | undefined, key: string): string =>
  Buffer.from(secret?.data?.[key] ?? "", "base64").toString();

/** Copies the image pull Secret of the stack to a namespace. */
export async function copyPullSecret(
  core: CoreV1Api,
  settings: Settings,
  name: string,
  to: string,
): Promise<void> {
  const { type = "Opaque", data = {} } = await core.readNamespacedSecret({
    namespace: namespaces(settings).monitoring,
    name,
  });
  await core.createNamespacedSecret({ namespace: to, body: { metadata: { name }, type, data } });
}

/** The workload of a pod, as `namespace/name`: its name is that of the pod without the suffix of a replica. */
export function workloadOf({ metadata }: V1Pod): string {
  const { namespace = "", generateName, name = "", labels } = metadata ?? {};
  const hash = labels?.["pod-template-hash"];
  return `${namespace}/${(generateName ?? name).replace(/-$/, "").replace(hash ? `-${hash}` : "", "")}`;
}

export const isReady = (pod: V1Pod): boolean =>
  !pod.metadata?.deletionTimestamp && condition(pod, "Ready")?.status === "True";

/** Why a pod does not start, as far as the pod says so. */
export const troubleOf = (pod: V1Pod): string =>
  podLines(pod, { namespace: "", pods: [], claims: [], events: [], logs: {} }).join("; ") ||
  (pod.status?.phase ?? "");
