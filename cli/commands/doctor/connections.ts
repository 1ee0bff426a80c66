/** Connections to the API server that the checks' questions to pods share. */
import { Agent } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** Questions at a time: what more comes waits, as it would in a busy API server. */
const atOnce = 16;

const shared = new WeakSet<KubeConfig>();

/**
 * Makes all questions to pods and Services (`cli/service.ts`) use the same few connections: a connection for each would
 * cost more in handshakes than all the rest of the doctor does. What the client itself asks keeps one for each, because the
 * node-fetch in it takes the end of a long answer on a kept connection for a premature one:
 * https://github.com/node-fetch/node-fetch/issues/1576
 *
 * @returns the same configuration
 */
export function sharing(config: KubeConfig): KubeConfig {
  if (shared.has(config)) return config;
  shared.add(config);
  const apply = config.applyToHTTPSOptions.bind(config);
  let agent: Agent | undefined;
  config.applyToHTTPSOptions = async (options) => {
    await apply(options);
    // One that leads through a proxy is left as it is.
    if (options.agent?.constructor !== Agent) return;
    agent ??= new Agent({ ...(options.agent as Agent).options, keepAlive: true, maxSockets: atOnce });
    options.agent = agent;
  };
  return config;
}
