/** Instant queries of PromQL. */
import type { KubeConfig } from "@kubernetes/client-node";
import { gatewayUser, services } from "../../../names";
import { bodyOf } from "../../lib/service";
import { podText } from "../../lib/tunnel";
import type { View } from "./view";

/** A sample of PromQL's instant query. */
export interface Sample {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** What Mimir answers to an instant query of a tenant's reader. */
export async function instant(config: KubeConfig, tenant: string, query: string): Promise<Sample[]> {
  const path = `/prometheus/api/v1/query?${new URLSearchParams({ query })}`;
  return JSON.parse(await bodyOf(config, services.mimir, { path, as: gatewayUser(tenant, "read") })).data
    .result;
}

/** What Mimir answers to an instant query through Grafana. @param time in seconds since 1970, without it now */
export async function samplesOf(view: View, query: string, time?: number): Promise<Sample[]> {
  const parameters = new URLSearchParams({ query, ...(time && { time: String(time) }) });
  return (await view.json("mimir", `/api/v1/query?${parameters}`)).data.result;
}

/** Prometheus' pods. */
const prometheus = {
  namespace: services.prometheus.namespace,
  selector: "app.kubernetes.io/name=prometheus",
  port: services.prometheus.port,
};

/** What Prometheus itself answers to an instant query. */
export async function instantOfPrometheus(config: KubeConfig, query: string): Promise<Sample[]> {
  const path = `/api/v1/query?${new URLSearchParams({ query })}`;
  return JSON.parse(await podText(config, prometheus, path)).data.result;
}
