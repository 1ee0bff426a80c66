/** Instant queries of PromQL. */
import type { KubeConfig } from "@kubernetes/client-node";
import { gatewayUser, services } from "../../../names";
import type { Settings } from "../../../settings";
import { bodyOf } from "../../lib/service";
import { podText } from "../../lib/tunnel";
import type { View } from "./view";

/** A sample of PromQL's instant query. */
export interface Sample {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** What Mimir answers to an instant query of a tenant's reader. */
export async function instant(
  config: KubeConfig,
  settings: Settings,
  tenant: string,
  query: string,
): Promise<Sample[]> {
  const path = `/prometheus/api/v1/query?${new URLSearchParams({ query })}`;
  return JSON.parse(await bodyOf(config, services(settings).mimir, { path, as: gatewayUser(tenant, "read") }))
    .data.result;
}

/** What Mimir answers to an instant query through Grafana. @param time in seconds since 1970, without it now */
export async function samplesOf(view: View, query: string, time?: number): Promise<Sample[]> {
  const parameters = new URLSearchParams({ query, ...(time && { time: String(time) }) });
  return (await view.json("mimir", `/api/v1/query?${parameters}`)).data.result;
}

/** Prometheus' pods. */
const prometheus = (settings: Settings) => ({
  ...services(settings).prometheus,
  selector: "app.kubernetes.io/name=prometheus",
});

/** What Prometheus itself answers to an instant query. */
export async function instantOfPrometheus(
  config: KubeConfig,
  settings: Settings,
  query: string,
): Promise<Sample[]> {
  const path = `/api/v1/query?${new URLSearchParams({ query })}`;
  return JSON.parse(await podText(config, prometheus(settings), path)).data.result;
}
