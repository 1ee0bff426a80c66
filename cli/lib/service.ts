/** HTTP requests to Services and pods in the cluster, through port-forwards. */
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import type { PodPort } from "../../components/port-forward";
import type { ServicePort } from "../../names";
import { basicAuth, gatewayPassword, gatewayPods } from "./gateway";
import { type HttpAnswer, type HttpRequest, requestPod, successful } from "./tunnel";

export interface ServiceRequest extends HttpRequest {
  /** One pod behind the Service, which gets the request on its own port. */
  pod?: string;
  /** Path and query. */
  path: string;
  /** Gateway user that authenticates the request. */
  as?: string;
}

/** The pods behind a Service, and their port. @throws if the Service does not exist or has no such port */
async function behind(config: KubeConfig, { namespace, name, port }: ServicePort): Promise<PodPort> {
  const { spec } = await config.makeApiClient(CoreV1Api).readNamespacedService({ namespace, name });
  const target = spec?.ports?.find((one) => one.port === port)?.targetPort;
  if (target === undefined) throw new Error(`Service ${namespace}/${name} has no port ${port}`);
  const selector = Object.entries(spec?.selector ?? {})
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
  return { namespace, selector, port: target };
}

/** Sends a request to a Service, or to one of its pods. */
export async function ask(
  config: KubeConfig,
  service: ServicePort,
  { pod, path, as, ...request }: ServiceRequest,
): Promise<HttpAnswer> {
  const { namespace, port, served } = service;
  if (as) {
    const authorization = basicAuth(as, await gatewayPassword(config, service, as));
    const headers = { ...request.headers, authorization };
    return requestPod(config, gatewayPods(namespace), path, { ...request, headers });
  }
  const pods = pod ? { namespace, selector: "", pod, port } : await behind(config, service);
  return requestPod(config, { ...pods, ...(served && { served }) }, path, request);
}

/** The body of a response of a Service. @throws if the status is not 2xx */
export const bodyOf = async (
  config: KubeConfig,
  service: ServicePort,
  request: ServiceRequest,
): Promise<string> => successful(service.name, await ask(config, service, request));
