/** The log of a Job until it ends. */
import { setTimeout as wait } from "node:timers/promises";
import { BatchV1Api, CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../settings";
import { troubleOf } from "./objects";
import { until } from "./poll";

/** Milliseconds in which the pod must start: its image is pulled and its volume attached. */
const startWithin = 300_000;
/** Milliseconds between two reads of the log. */
const period = 2000;
/** Seconds in which the API server must respond: a lost connection does not end the following. */
const respondsWithin = 60;

/** The new part of a log; all of it if it was rotated. */
export const added = (before: string, now: string): string =>
  now.startsWith(before) ? now.slice(before.length) : now;

/**
 * Follows a Job with one pod.
 *
 * @param write is called with each new part of the log
 * @param stop ends the following; the Job continues
 * @param tailLines reads only the last lines, for a log that may be long. @default all
 * @returns whether the Job succeeded
 * @throws UserError if its pod does not start
 */
export async function followJob(
  config: KubeConfig,
  namespace: string,
  name: string,
  write: (text: string) => void,
  stop: AbortSignal,
  tailLines?: number,
): Promise<boolean> {
  const [core, batch] = [config.makeApiClient(CoreV1Api), config.makeApiClient(BatchV1Api)];
  const begun = Date.now();
  let log = "";
  for (;;) {
    stop.throwIfAborted();
    const [{ status }, { items }] = await until(
      respondsWithin,
      "response",
      () =>
        Promise.all([
          batch.readNamespacedJob({ namespace, name }),
          core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` }),
        ]),
      stop,
    );
    const [pod] = items;
    const pending = (pod?.status?.phase ?? "Pending") === "Pending";
    if (pod?.metadata?.name && !pending) {
      const options = { namespace, name: pod.metadata.name, ...(tailLines && { tailLines }) };
      const now = await core.readNamespacedPodLog(options).catch(() => log);
      write(added(log, now));
      log = now;
    }
    const ended = status?.conditions?.find(
      (one) => one.status === "True" && (one.type === "Complete" || one.type === "Failed"),
    );
    if (ended) return ended.type === "Complete";
    if (pending && Date.now() - begun > startWithin)
      throw new UserError(
        `the pod of Job ${namespace}/${name} did not start within ${startWithin / 1000} s: ${pod ? troubleOf(pod) : "the Job has no pod"}`,
      );
    await wait(period, undefined, { signal: stop }).catch(() => undefined);
  }
}
