/** Instant queries to the stack's Prometheus. */
import type { KubeConfig } from "@kubernetes/client-node";
import { services } from "../../names";
import type { Settings } from "../../settings";
import { bodyOf } from "./service";

/** A series of a result. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** Runs a query. @param time in seconds since 1970. @default now @throws if Prometheus does not respond */
export async function instantQuery(
  config: KubeConfig,
  settings: Settings,
  query: string,
  time = Date.now() / 1000,
): Promise<Sample[]> {
  const path = `/api/v1/query?${new URLSearchParams({ query, time: String(time) })}`;
  const { data } = JSON.parse(await bodyOf(config, services(settings).prometheus, { path }));
  const result: { metric: Sample["metric"]; value: [number, string] }[] = data.result;
  return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
}
