/** Connections to the API server that all checks share. */
import type { Agent } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** Requests at a time: what more comes waits, as it would in a busy API server. */
const atOnce = 16;

const shared = new WeakSet<KubeConfig>();

/**
 * Makes every request of a cluster's client use the same few connections. The client makes a new one for each, and the
 * handshakes of some hundred cost more than all the rest of the doctor does.
 *
 * @returns the same configuration
 */
export function sharing(config: KubeConfig): KubeConfig {
  // Private, and the one place where connections are made; without it each request has its own, as before.
  const own = config as unknown as { createAgent?: (cluster: unknown, options: object) => Agent };
  const create = own.createAgent?.bind(config);
  if (!create || shared.has(config)) return config;
  shared.add(config);
  let agent: Agent | undefined;
  own.createAgent = (cluster, options) => {
    agent ??= create(cluster, { ...options, keepAlive: true, maxSockets: atOnce });
    return agent;
  };
  return config;
}
