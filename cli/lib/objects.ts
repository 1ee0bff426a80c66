/** What several commands do with the cluster's objects. */
import { ApiException, type CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../names";
import type { Settings } from "../../settings";

/** What an object is, undefined where there is none. */
export const ifThere = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return undefined;
    throw error;
  }
};

/** Copies the Secret by which images are pulled, from where the stack has it. @param to the namespace that gets it */
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

/** Whether a pod is ready. */
export const isReady = ({ metadata, status }: V1Pod): boolean =>
  !metadata?.deletionTimestamp &&
  (status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false);

/** Why a pod does not start, as far as it says so. */
export const reasonOf = ({ status }: V1Pod): string => {
  const waiting = status?.containerStatuses?.[0]?.state?.waiting;
  const unscheduled = status?.conditions?.find(
    ({ type, status: is }) => type === "PodScheduled" && is === "False",
  );
  return waiting?.message ?? waiting?.reason ?? unscheduled?.message ?? status?.phase ?? "";
};
