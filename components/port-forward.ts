/** Connections from this machine to pods through the Kubernetes API, while the program runs. */
import type { Socket } from "node:net";
import { type Duplex, duplexPair, PassThrough } from "node:stream";
import { connect } from "node:tls";
import { CoreV1Api, type KubeConfig, PortForward, type V1Pod } from "@kubernetes/client-node";
import { caBundle, certificates, type Served, serverName } from "../names";
import { isUnready } from "./pod-diagnosis";

/** Interchangeable pods and their port. */
export interface PodPort {
  namespace: string;
  /** Label selector of the pods; one that is ready is used, else any running one. */
  selector: string;
  /** Name of a single pod to use. */
  pod?: string;
  /** Number of the container port, or its name. */
  port: number | string;
  /** The certificate's name, if the pods may serve TLS: connections to pods with that certificate use TLS. */
  served?: Served;
  /** Protocol inside TLS, as an ALPN ID. @default http/1.1 */
  protocol?: "h2" | "http/1.1";
}

/** The pods, running or not. */
export const podsOf = async (
  config: KubeConfig,
  { namespace, selector, pod }: Omit<PodPort, "port">,
): Promise<V1Pod[]> => {
  const api = config.makeApiClient(CoreV1Api);
  if (pod) return [await api.readNamespacedPod({ namespace, name: pod })];
  return (await api.listNamespacedPod({ namespace, labelSelector: selector })).items;
};

/** One of the running pods, if possible a ready one: the pods of a lost node keep the phase Running. */
export function reachable(pods: V1Pod[]): V1Pod | undefined {
  const running = pods.filter(
    ({ metadata, status }) => status?.phase === "Running" && !metadata?.deletionTimestamp,
  );
  return running.find((pod) => !isUnready(pod)) ?? running[0];
}

/** The number of a container port. @throws if no container has a port of that name */
function portNumber({ spec, metadata }: V1Pod, port: number | string): number {
  if (typeof port === "number") return port;
  const ports = spec?.containers.flatMap((container) => container.ports ?? []);
  const found = ports?.find(({ name }) => name === port)?.containerPort;
  if (!found) throw new Error(`pod ${metadata?.namespace}/${metadata?.name} has no port ${port}`);
  return found;
}

/** Whether a pod has the certificate of its server: then it uses TLS, even if the settings have changed since. */
export const speaksTls = ({ spec }: V1Pod, served: Served): boolean =>
  spec?.volumes?.some(({ secret }) => secret?.secretName === certificates[served].secret) ?? false;

/** The CA certificate in a namespace. @throws if there is none */
export async function caCertificate(config: KubeConfig, namespace: string): Promise<string> {
  const { name, file } = caBundle;
  const { data } = await config.makeApiClient(CoreV1Api).readNamespacedConfigMap({ name, namespace });
  const pem = data?.[file];
  if (!pem) throw new Error(`there is no ${file} in ConfigMap ${namespace}/${name}`);
  return pem;
}

/** A server that a client connects to with TLS. */
interface TlsServer extends Pick<PodPort, "namespace" | "protocol"> {
  served: Served;
  /** The CA certificate that the client verifies the server with. */
  ca: string;
}

/**
 * The end of a connection at which plain bytes become TLS.
 *
 * @param plain carries the plain bytes
 * @returns the TLS stream, which fails if the server's identity is not the expected one
 */
export function wrapped(plain: Duplex, { served, namespace, ca, protocol = "http/1.1" }: TlsServer): Duplex {
  const [near, far] = duplexPair();
  const tls = connect({
    socket: near,
    ca,
    servername: serverName(served, namespace),
    ALPNProtocols: [protocol],
  });
  let known = false;
  tls.once("secureConnect", () => {
    known = true;
  });
  // A broken connection ends as it does without TLS; a server with another identity is an error.
  tls.on("error", (error: NodeJS.ErrnoException) =>
    known || error.code === "ECONNRESET" ? plain.end() : far.destroy(error),
  );
  plain.on("error", () => tls.destroy());
  plain.on("close", () => tls.destroy());
  tls.on("close", () => {
    near.destroy();
    far.destroy();
  });
  tls.pipe(plain).pipe(tls);
  return far;
}

/**
 * Forwards one connection to a running pod, with TLS if the pod uses it. Resolves when either side has closed it.
 *
 * @throws if there is no running pod, or it does not accept the connection; the connection is then left as it is
 */
export async function forward(config: KubeConfig, target: PodPort, plain: Duplex): Promise<void> {
  const pod = reachable(await podsOf(config, target));
  if (!pod?.metadata?.name)
    throw new Error(
      `no pod ${target.pod ?? `with ${target.selector}`} runs in namespace ${target.namespace}`,
    );
  const { served } = target;
  const connection =
    served && speaksTls(pod, served)
      ? wrapped(plain, { ...target, served, ca: await caCertificate(config, target.namespace) })
      : plain;
  const errors = new PassThrough();
  const websocket = await new PortForward(config).portForward(
    target.namespace,
    pod.metadata.name,
    [portNumber(pod, target.port)],
    connection,
    errors,
    connection,
  );
  if (typeof websocket === "function") throw new Error("the port-forward did not return a connection");
  // An open tunnel must not keep the program alive after its work is done.
  (websocket as { _socket?: Socket })._socket?.unref();
  return new Promise((done, fail) => {
    connection.once("error", fail);
    errors.once("data", (reason: Buffer) => fail(new Error(reason.toString().trim())));
    connection.once("close", () => websocket.close());
    websocket.onclose = () => {
      connection.end();
      done();
    };
  });
}
