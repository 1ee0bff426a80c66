/** A loopback port that leads to pods of the cluster, for what cannot go through the API server's HTTP proxy. */
import { createServer } from "node:net";
import type { KubeConfig } from "@kubernetes/client-node";
import { forward, type PodPort } from "../components/port-forward";

/** Runs an action with the port open. */
export async function throughTunnel<T>(
  config: KubeConfig,
  target: PodPort,
  action: (port: number) => Promise<T>,
): Promise<T> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    forward(config, target, socket).catch((error: Error) => socket.destroy(error));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await action((server.address() as { port: number }).port);
  } finally {
    server.close();
  }
}
