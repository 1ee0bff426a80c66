/** A loopback port that leads to a pod: connections come from the pod itself, so that NetworkPolicies do not apply. */
import { createServer, type Socket } from "node:net";
import type { KubeConfig } from "@kubernetes/client-node";
import pLimit from "p-limit";
import { forward, type PodPort } from "../../components/port-forward";

/** Runs an action with the port, and closes its connections afterwards. @throws why the pod cannot be reached, if that is so */
export async function throughTunnel<T>(
  config: KubeConfig,
  target: PodPort,
  action: (port: number) => Promise<T>,
): Promise<T> {
  const open = new Set<Socket>();
  let unreachable: Error | undefined;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    forward(config, target, socket).catch((error: Error) => {
      unreachable = error;
      socket.destroy(error);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await action((server.address() as { port: number }).port);
  } catch (error) {
    throw unreachable ?? error;
  } finally {
    server.close();
    // The process would wait for the idle connections of clients.
    for (const socket of open) socket.destroy();
  }
}

export interface HttpRequest {
  /** @default GET */
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Timeout in seconds. @default 30 */
  within?: number;
}

export interface HttpAnswer {
  status: number;
  body: string;
}

/** Sends a request. */
export type Client = (path: string, request?: HttpRequest) => Promise<HttpAnswer>;

/** Runs an action with a client of one of the pods. @param headers of all its requests */
export const withClient = <T>(
  config: KubeConfig,
  target: PodPort,
  headers: Record<string, string>,
  action: (send: Client, url: string) => Promise<T>,
): Promise<T> =>
  throughTunnel(config, target, (port) => {
    const url = `http://127.0.0.1:${port}`;
    const send: Client = async (path, { method = "GET", body, within = 30, ...more } = {}) => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { ...headers, ...more.headers },
        ...(body !== undefined && { body }),
        signal: AbortSignal.timeout(within * 1000),
      });
      return { status: answer.status, body: await answer.text() };
    };
    return action(send, url);
  });

/** Requests at a time: a busy API server cannot handle a port-forward to every pod at once. */
const atOnce = pLimit(12);

/** Sends a request to one of the pods. The timeout does not include the wait for other requests. */
export const requestPod = (
  config: KubeConfig,
  target: PodPort,
  path: string,
  request?: HttpRequest,
): Promise<HttpAnswer> =>
  atOnce(() => withClient(config, target, { connection: "close" }, (send) => send(path, request)));

/** The body of an answer. @throws with its beginning if the status is not 2xx */
export function successful(server: string, { status, body }: HttpAnswer): string {
  if (status < 200 || status > 299)
    throw new Error(`${server} answered ${status}: ${body.trim().slice(0, 300)}`);
  return body;
}

/** The body of a response of one of the pods. @throws if the status is not 2xx */
export async function podText(config: KubeConfig, target: PodPort, path: string): Promise<string> {
  const headers = { accept: "application/json, text/plain, */*" };
  return successful(`${path} in ${target.namespace}`, await requestPod(config, target, path, { headers }));
}
