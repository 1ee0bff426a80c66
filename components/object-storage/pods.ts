/** MinIO's pods: where a connection to them goes, and what they say when they do not answer. */
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { minio, namespaces } from "../../names";
import { podsOf } from "../port-forward";

/** MinIO's API, as the target of a port-forward. */
export const minioApi = {
  namespace: namespaces.minio,
  selector: `app=minio,release=${minio.release}`,
  port: minio.apiPort,
  served: "minio" as const,
};

/** What MinIO's pods say last: why they do not run, or the end of their logs. */
export async function lastWords(config: KubeConfig): Promise<string> {
  const api = config.makeApiClient(CoreV1Api);
  const pods = await podsOf(config, minioApi).catch((error: Error) => error);
  if (pods instanceof Error) return `The cluster does not answer: ${pods.message}`;
  if (pods.length === 0) return `There is no pod of MinIO in namespace ${namespaces.minio}.`;
  const words = await Promise.all(
    pods.map(async ({ metadata, status }) => {
      const name = metadata?.name ?? "";
      const container = status?.containerStatuses?.[0];
      const waiting = container?.state?.waiting;
      const unscheduled = status?.conditions?.find((c) => c.type === "PodScheduled" && c.status === "False");
      const reason = waiting
        ? `${waiting.reason}: ${waiting.message ?? ""}`
        : (unscheduled?.message ?? status?.phase);
      const previous = (container?.restartCount ?? 0) > 0 && !container?.state?.running;
      const log = await api
        .readNamespacedPodLog({ name, namespace: namespaces.minio, tailLines: 15, previous })
        .catch(() => "");
      return [`Pod ${name}: ${reason}`, ...log.trim().split("\n")].join("\n    ");
    }),
  );
  return words.join("\n  ");
}
