/** A loopback port that leads to pods of the cluster, for what cannot go through the API server's HTTP proxy. */
import { createServer, type Socket } from "node:net";
import type { KubeConfig } from "@kubernetes/client-node";
import { forward, type PodPort } from "../components/port-forward";

/** Runs an action with the port open; afterwards the port and every connection through it are closed. */
export async function throughTunnel<T>(
  config: KubeConfig,
  target: PodPort,
  action: (port: number) => Promise<T>,
): Promise<T> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    forward(config, target, socket).catch((error: Error) => socket.destroy(error));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    return await action((server.address() as { port: number }).port);
  } finally {
    server.close();
    // Clients keep connections for a next question; the program would wait for them.
    for (const socket of open) socket.destroy();
  }
}
