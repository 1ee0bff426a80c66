/** The gateways of Loki, Mimir and Tempo, and their users. */
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import type { PodPort } from "../../components/port-forward";
import { gatewayAccess, type ServicePort, stores } from "../../names";
import { credentialKeys } from "../../values/gateway";
import { secretText } from "./objects";

/** The header `Authorization` of HTTP basic authentication. */
export const basicAuth = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

/** The pods of the gateway in a store's namespace. */
export const gatewayPods = (namespace: string): PodPort => ({
  namespace,
  selector: "app.kubernetes.io/component=gateway",
  port: 8080,
});

/** The password of a user of a gateway, from the cluster. @throws if the user does not exist */
export async function gatewayPassword(
  config: KubeConfig,
  { namespace, name: gateway }: ServicePort,
  user: string,
): Promise<string> {
  const { credentialsSecret: name } = gatewayAccess;
  const secret = await config.makeApiClient(CoreV1Api).readNamespacedSecret({ namespace, name });
  const store = stores.find((one) => gateway === `${one}-gateway`);
  const password = store && secretText(secret, credentialKeys(store, user).password);
  if (!password) throw new Error(`${gateway} has no user ${user}`);
  return password;
}
