/** Requests to a port of a pod, through a tunnel: they come from the pod itself, so that no NetworkPolicy refuses them. */
import type { KubeConfig } from "@kubernetes/client-node";
import type { PodPort } from "../../components/port-forward";
import { throughTunnel } from "../tunnel";

/** Asks one of the pods; every HTTP status is an answer. */
export const askPod = (
  config: KubeConfig,
  target: PodPort,
  path: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: string }> =>
  throughTunnel(config, target, async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { ...headers, connection: "close" },
      signal: AbortSignal.timeout(30_000),
    });
    return { status: answer.status, body: await answer.text() };
  });

/** Asks one of the pods. @throws where the status is not 2xx */
export async function podText(config: KubeConfig, target: PodPort, path: string): Promise<string> {
  const headers = { accept: "application/json, text/plain, */*" };
  const { status, body } = await askPod(config, target, path, { headers });
  if (status < 200 || status > 299)
    throw new Error(`${target.namespace} answered ${status} to ${path}: ${body.trim().slice(0, 300)}`);
  return body;
}
