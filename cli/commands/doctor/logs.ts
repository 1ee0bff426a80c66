/** Recent lines of the stack's containers: what they say of names that do not resolve or disks that are full. */
import type { CoreV1Api, V1Pod } from "@kubernetes/client-node";

/** The last lines of a container. */
export interface ContainerLog {
  namespace: string;
  pod: string;
  container: string;
  text: string;
}

/** How far back lines are read, in seconds: what was mended before that is not told any more. */
export const logSeconds = 60;
/** Lines of each container; with many replicas the API server still gives them within seconds. */
const logLines = 100;
/** How long a container's lines may take, in seconds; later ones are passed over. */
const readWithin = 6;

export async function readLogs(core: CoreV1Api, pods: V1Pod[]): Promise<ContainerLog[]> {
  const wanted = pods.flatMap(({ metadata, status }) =>
    (status?.containerStatuses ?? [])
      .filter(({ state }) => state?.running)
      .map(({ name }) => ({
        namespace: metadata?.namespace ?? "",
        pod: metadata?.name ?? "",
        container: name,
      })),
  );
  return Promise.all(
    wanted.map(async ({ namespace, pod, container }) => {
      const request = {
        namespace,
        name: pod,
        container,
        sinceSeconds: logSeconds,
        tailLines: logLines,
      };
      const text = await Promise.race([
        core.readNamespacedPodLog(request).catch(() => ""),
        new Promise<string>((done) => setTimeout(() => done(""), readWithin * 1000).unref()),
      ]);
      return { namespace, pod, container, text: text ?? "" };
    }),
  );
}
