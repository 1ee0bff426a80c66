/** Paths of the Kubernetes API that the client has no method for, and the answer's Date. */
import { request } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** An answer of the API server, read as JSON. */
export interface ApiAnswer {
  /** The API server's clock, epoch in milliseconds. */
  date: number;
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is as many kinds as there are paths
  body: any;
}

/** Asks for a list of objects with nothing but their metadata. */
export const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/** @param path from the root: `/api/v1/nodes/node-1/proxy/stats/summary` @throws where no answer comes, none that is JSON, or a refusal, whose status is the error's `code` */
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
          // What is no JSON is told like a refusal.
        }
        fail(Object.assign(new Error(`${path} answered ${code}: ${text.slice(0, 200)}`), { code }));
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`${path}: no answer within ${within} s`)));
    sent.on("error", fail);
    sent.end();
  });
}
