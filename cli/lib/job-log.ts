/** The log of a Job until it ends. */
import { setTimeout as wait } from "node:timers/promises";
import { BatchV1Api, CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../settings";
import { reasonOf } from "./objects";

/** How long the pod may take to start: its image is pulled and its volume attached in that time. Milliseconds. */
const startWithin = 300_000;
/** Between two reads of the log. Milliseconds. */
const period = 2000;

/** The part of a log that is new. A log that was rotated begins with other lines. */
export const added = (before: string, now: string): string =>
  now.startsWith(before) ? now.slice(before.length) : now;

/**
 * Follows a Job with one pod.
 *
 * @param write is called with each new part of the log
 * @param stop ends the following; the Job continues
 * @returns whether the Job succeeded
 * @throws UserError if its pod does not start
 */
export async function followJob(
  config: KubeConfig,
  namespace: string,
  name: string,
  write: (text: string) => void,
  stop: AbortSignal,
): Promise<boolean> {
  const [core, batch] = [config.makeApiClient(CoreV1Api), config.makeApiClient(BatchV1Api)];
  const begun = Date.now();
  let log = "";
  for (;;) {
    stop.throwIfAborted();
    const { status } = await batch.readNamespacedJob({ namespace, name });
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` });
    const [pod] = items;
    const pending = (pod?.status?.phase ?? "Pending") === "Pending";
    if (pod?.metadata?.name && !pending) {
      const now = await core.readNamespacedPodLog({ namespace, name: pod.metadata.name }).catch(() => log);
      write(added(log, now));
      log = now;
    }
    const ended = status?.conditions?.find(
      (one) => one.status === "True" && (one.type === "Complete" || one.type === "Failed"),
    );
    if (ended) return ended.type === "Complete";
    if (pending && Date.now() - begun > startWithin)
      throw new UserError(
        `the pod of Job ${namespace}/${name} did not start within ${startWithin / 1000} s: ${pod ? reasonOf(pod) : "the Job has no pod"}`,
      );
    await wait(period, undefined, { signal: stop }).catch(() => undefined);
  }
}
