/** Requests to the gateways of Loki, Mimir and Tempo as one of their users. */
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import type { PodPort } from "../../components/port-forward";
import { gatewayAccess, type ServicePort, type Store, stores } from "../../names";
import { credentialKeys } from "../../values/gateway";
import { secretText } from "./objects";
import { askPod, type HttpAnswer, type HttpRequest } from "./tunnel";

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
  service: ServicePort,
  user: string,
): Promise<string> {
  const store = storeOf(service);
  const { namespace } = service;
  const { credentialsSecret: name } = gatewayAccess;
  const secret = await config.makeApiClient(CoreV1Api).readNamespacedSecret({ namespace, name });
  const password = secretText(secret, credentialKeys(store, user).password);
  if (!password) throw new Error(`the gateway of ${store} has no user ${user}`);
  return password;
}

/** The store whose gateway a Service is. */
function storeOf({ namespace, name }: ServicePort): Store {
  const store = stores.find((one) => name === `${one}-gateway`);
  if (!store) throw new Error(`${namespace}/${name} is not a gateway`);
  return store;
}

/** Sends a request to a gateway as a user. */
export async function askGateway(
  config: KubeConfig,
  service: ServicePort,
  user: string,
  path: string,
  { headers, ...request }: HttpRequest = {},
): Promise<HttpAnswer> {
  const authorization = basicAuth(user, await gatewayPassword(config, service, user));
  const given = { ...request, headers: { ...headers, authorization } };
  return askPod(config, gatewayPods(service.namespace), path, given);
}
