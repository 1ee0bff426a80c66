/** Requests to paths of the Kubernetes API without a method in the client. */
import { request } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

export interface ApiAnswer {
  /** The API server's clock, in milliseconds since 1970. */
  date: number;
  // biome-ignore lint/suspicious/noExplicitAny: each path has its own type
  body: any;
}

/** Media type of a list with only the metadata of its objects. */
export const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/** @throws without a JSON response of status 2xx; the status is the error's `code` */
export async function apiGet(
  config: KubeConfig,
  path: string,
  { within = 10, accept = "application/json" } = {},
): Promise<ApiAnswer> {
  const { hostname, port } = new URL(config.getCurrentCluster()?.server ?? "");
  const options = { hostname, port, path, headers: { accept }, timeout: within * 1000 };
  await config.applyToHTTPSOptions(options);
  return new Promise((done, fail) => {
    const sent = request(options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        const text = Buffer.concat(parts).toString();
        const date = Date.parse(response.headers.date ?? "");
        const code = response.statusCode ?? 0;
        try {
          const body = JSON.parse(text);
          if (code >= 200 && code < 300) return done({ date, body });
        } catch {
          // Reported below.
        }
        fail(Object.assign(new Error(`${path} answered ${code}: ${text.slice(0, 200)}`), { code }));
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`${path}: no answer within ${within} s`)));
    sent.on("error", fail);
    sent.end();
  });
}
