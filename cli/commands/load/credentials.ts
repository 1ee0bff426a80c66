/** What the load test proves to the gateways who it is with. */
import type { KubeConfig } from "@kubernetes/client-node";
import { gatewayUser, type Role, type Store, services, tenants } from "../../../names";
import type { Settings } from "../../../settings";
import { gatewayPassword } from "../../lib/gateway";

/** Variables of k6's environment, each the whole header `Authorization` of one user: `LOKI_READ`, `MIMIR_WRITE` … */
export type Credentials = Partial<Record<`${Uppercase<Store>}_${Uppercase<Role>}`, string>>;

/** As whom the test writes and reads; traces it writes to Alloy, which takes them from everyone. */
const users: Partial<Record<keyof Credentials, [Store, string]>> = {
  LOKI_READ: ["loki", gatewayUser(tenants.logs, "read")],
  LOKI_WRITE: ["loki", gatewayUser(tenants.logs, "write")],
  MIMIR_READ: ["mimir", gatewayUser(tenants.pods, "read")],
  MIMIR_WRITE: ["mimir", gatewayUser(tenants.pods, "write")],
  TEMPO_READ: ["tempo", gatewayUser(tenants.traces, "read")],
};

/** The credentials, from the cluster. @throws where they cannot be read */
export async function credentials(config: KubeConfig, settings: Settings): Promise<Credentials> {
  const entries = Object.entries(users).map(async ([variable, [store, user]]) => {
    const password = await gatewayPassword(config, services(settings)[store], user);
    return [variable, `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
