/** HTTP requests to Services and pods in the cluster, through port-forwards. */
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import type { PodPort } from "../../components/port-forward";
import type { ServicePort } from "../../names";
import { askGateway } from "./gateway";
import { askPod, type HttpAnswer, type HttpRequest } from "./tunnel";

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
  what: ServiceRequest,
): Promise<HttpAnswer> {
  const { pod, path, as, ...request } = what;
  if (as) return askGateway(config, service, as, path, request);
  const { namespace, port, served } = service;
  const pods = pod ? { namespace, selector: "", pod, port } : await behind(config, service);
  return askPod(config, { ...pods, ...(served && { served }) }, path, request);
}

/** The body of a response of a Service. @throws if the status is not 2xx */
export async function bodyOf(
  config: KubeConfig,
  service: ServicePort,
  what: ServiceRequest,
): Promise<string> {
  const { status, body } = await ask(config, service, what);
  if (status < 200 || status > 299)
    throw new Error(`${service.name} answered ${status}: ${body.trim().slice(0, 300)}`);
  return body;
}
