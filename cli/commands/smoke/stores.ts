/** The stores with the signals of a stack: its own, or those of its hub, read with access to the hub's cluster. */
import { existsSync } from "node:fs";
import { gatewayUser, services, stores } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { sendingAgents } from "../../../settings/agents";
import { type Connection, connect } from "../../lib/cluster";
import { gatewayPassword } from "../../lib/gateway";
import { configFile } from "../../lib/stack-config";

/** @throws UserError if the stack of a hub does not list an agent, or its cluster does not have the agent's users */
export async function verifyHub(agent: Settings, stack: string, hub: Connection): Promise<void> {
  const { name } = agent.cluster;
  if (!sendingAgents(hub.settings).includes(name))
    throw new UserError(
      `cluster.name: invalid value "${name}" (must be an agent in Pulumi.${stack}.yaml, which has ${sendingAgents(hub.settings).join(", ") || "none"})`,
    );
  const reader = gatewayUser(name, "read");
  for (const store of stores)
    await gatewayPassword(hub.config, services(hub.settings)[store], reader).catch(({ message }: Error) => {
      throw new UserError(
        `the cluster of stack ${stack} has no user ${reader} at the gateway of ${store}: ${message.split("\n")[0]}. ` +
          `Set cluster.context in Pulumi.${stack}.yaml to the cluster of the hub, and run ./obs up ${stack}`,
      );
    });
}

/**
 * The stack with the stores. An agent has no permission to read, and gets none: its hub is read with the caller's own
 * access to the hub's cluster.
 *
 * @throws UserError if that cluster cannot be reached, or is not that of the agent's hub
 */
export async function storesOf(stack: string, own: Connection): Promise<Connection> {
  const { hub } = own.settings;
  if (!hub) return own;
  const name = hub.stack.split("/").at(-1) ?? "";
  if (!existsSync(configFile(name)))
    throw new UserError(
      `stack ${stack} sends to ${hub.stack}, and there is no Pulumi.${name}.yaml here. ` +
        "Run the smoke test where you run ./obs up for the hub: it reads the hub's stores with your access to that cluster",
    );
  const found = await connect(name);
  await verifyHub(own.settings, name, found);
  return found;
}
