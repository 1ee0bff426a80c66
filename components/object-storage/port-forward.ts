/** A way from this machine to MinIO's pods, through the Kubernetes API, for as long as the program runs. */
import type { Socket } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
import { CoreV1Api, type KubeConfig, PortForward, type V1Pod } from "@kubernetes/client-node";
import { minio, namespaces } from "../../names";

const selector = `app=minio,release=${minio.release}`;

/** MinIO's pods, running or not. */
export const minioPods = async (config: KubeConfig): Promise<V1Pod[]> => {
  const api = config.makeApiClient(CoreV1Api);
  return (await api.listNamespacedPod({ namespace: namespaces.minio, labelSelector: selector })).items;
};

/**
 * Carries one connection to a running pod. Resolves when either side has closed it.
 *
 * @throws when there is no pod to carry it to, or the pod does not take it; the connection is then left as it is
 */
export async function forward(config: KubeConfig, connection: Duplex): Promise<void> {
  const pods = await minioPods(config);
  const pod = pods.find(
    ({ metadata, status }) => status?.phase === "Running" && !metadata?.deletionTimestamp,
  );
  if (!pod?.metadata?.name) throw new Error(`no pod of MinIO runs in namespace ${namespaces.minio}`);
  const errors = new PassThrough();
  const websocket = await new PortForward(config).portForward(
    namespaces.minio,
    pod.metadata.name,
    [minio.apiPort],
    connection,
    errors,
    connection,
  );
  if (typeof websocket === "function") throw new Error("the port-forward gave no connection");
  // An open tunnel must not keep the program alive once its work is done.
  (websocket as { _socket?: Socket })._socket?.unref();
  return new Promise((done, fail) => {
    errors.once("data", (reason: Buffer) => fail(new Error(reason.toString().trim())));
    connection.once("close", () => websocket.close());
    websocket.onclose = () => {
      connection.end();
      done();
    };
  });
}

/** What MinIO's pods say last: why they do not run, or the end of their logs. */
export async function lastWords(config: KubeConfig): Promise<string> {
  const api = config.makeApiClient(CoreV1Api);
  const pods = await minioPods(config).catch((error: Error) => error);
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
