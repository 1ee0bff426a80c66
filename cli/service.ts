/** HTTP requests to Services inside the cluster, through the Kubernetes API: no port is opened anywhere. */
import { request } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import type { ServicePort } from "../names";
import { askGateway } from "./gateway";

export interface ServiceRequest {
  /** Name of one pod behind the Service, whose own port is then asked instead of the Service's. */
  pod?: string;
  /** Seconds in which the answer has to come. @default 30 */
  within?: number;
  /** Path with its query, as the Service has it. */
  path: string;
  /** @default GET */
  method?: "GET" | "POST" | "DELETE";
  /** User of the gateway that is asked; without one it is asked as nobody. */
  as?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export interface ServiceAnswer {
  status: number;
  body: string;
}

/** How long a Service may take to answer where nothing else is said, in seconds. */
const answerWithin = 30;

/** Asks a Service; every HTTP status is an answer. */
export async function ask(
  config: KubeConfig,
  service: ServicePort,
  what: ServiceRequest,
): Promise<ServiceAnswer> {
  const { pod, within = answerWithin, path, method = "GET", as, headers, body } = what;
  if (as) return askGateway(config, service, as, what);
  const { hostname, port } = new URL(config.getCurrentCluster()?.server ?? "");
  const { namespace, name, port: servicePort } = service;
  const who = pod ? `pods/${pod}` : `services/${name}`;
  const options = {
    method,
    hostname,
    port,
    path: `/api/v1/namespaces/${namespace}/${who}:${servicePort}/proxy${path}`,
    ...(headers && { headers }),
    timeout: within * 1000,
  };
  await config.applyToHTTPSOptions(options);
  return new Promise((done, fail) => {
    const sent = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part) => {
        text += part;
      });
      response.on("end", () => done({ status: response.statusCode ?? 0, body: text }));
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${within} s`)));
    sent.on("error", fail);
    sent.end(body);
  });
}

/** Asks a Service and gives the body of its answer. @throws where the status is not 2xx */
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
