/** A way from this machine to pods, through the Kubernetes API, for as long as the program runs. */
import type { Socket } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
import { CoreV1Api, type KubeConfig, PortForward, type V1Pod } from "@kubernetes/client-node";

/** Pods that all do the same, and the port on which they do it. */
export interface PodPort {
  namespace: string;
  /** Label selector of the pods. */
  selector: string;
  port: number;
}

/** The pods, running or not. */
export const podsOf = async (
  config: KubeConfig,
  { namespace, selector }: Omit<PodPort, "port">,
): Promise<V1Pod[]> => {
  const api = config.makeApiClient(CoreV1Api);
  return (await api.listNamespacedPod({ namespace, labelSelector: selector })).items;
};

/**
 * Carries one connection to a running pod. Resolves when either side has closed it.
 *
 * @throws when there is no pod to carry it to, or the pod does not take it; the connection is then left as it is
 */
export async function forward(config: KubeConfig, target: PodPort, connection: Duplex): Promise<void> {
  const pod = (await podsOf(config, target)).find(
    ({ metadata, status }) => status?.phase === "Running" && !metadata?.deletionTimestamp,
  );
  if (!pod?.metadata?.name)
    throw new Error(`no pod with ${target.selector} runs in namespace ${target.namespace}`);
  const errors = new PassThrough();
  const websocket = await new PortForward(config).portForward(
    target.namespace,
    pod.metadata.name,
    [target.port],
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
