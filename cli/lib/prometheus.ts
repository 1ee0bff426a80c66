/** Queries to the stack's own Prometheus, through a port-forward to its pod, and to Mimir, through its gateway. */
import type { PodPort } from "../../components/port-forward";
import { gatewayUser, services } from "../../names";
import type { Settings } from "../../settings";
import type { Connection } from "./cluster";
import type { Json } from "./objects";
import { bodyOf } from "./service";
import { podText } from "./tunnel";

/** One series and its value. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export const prometheusPods = (settings: Settings): PodPort => ({
  ...services(settings).prometheus,
  selector: "app.kubernetes.io/name=prometheus",
});

/** Reads a path of the API. @throws if Prometheus does not answer with 2xx */
export async function fromPrometheus({ config, settings }: Connection, path: string): Promise<Json> {
  return JSON.parse(await podText(config, prometheusPods(settings), path)).data;
}

/** The series that an instant query returned. */
export const samplesIn = (data: {
  result: { metric: Record<string, string>; value: [number, string] }[];
}): Sample[] => data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));

const instant = (promql: string, time = Date.now() / 1000) =>
  `/api/v1/query?${new URLSearchParams({ query: promql, time: String(time) })}`;

/** Runs an instant query in Prometheus. @param time epoch in seconds. @default now @throws if it does not answer */
export const queryPrometheus = async (stack: Connection, promql: string, time?: number): Promise<Sample[]> =>
  samplesIn(await fromPrometheus(stack, instant(promql, time)));

/** Runs an instant query in Mimir, as the reader of a tenant. @throws if it does not answer */
export async function queryMimir(
  { config, settings }: Connection,
  tenant: string,
  promql: string,
): Promise<Sample[]> {
  const request = { path: `/prometheus${instant(promql)}`, as: gatewayUser(tenant, "read") };
  return samplesIn(JSON.parse(await bodyOf(config, services(settings).mimir, request)).data);
}
