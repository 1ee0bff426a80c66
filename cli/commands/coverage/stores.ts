/** The metrics of Prometheus and Mimir: https://prometheus.io/docs/prometheus/latest/querying/api/ */
import { services } from "../../../names";
import type { Connection } from "../../lib/cluster";
import { basicAuth, gatewayPassword, gatewayPods } from "../../lib/gateway";
import type { Json } from "../../lib/objects";
import { prometheusPods } from "../../lib/prometheus";
import { successful, withClient } from "../../lib/tunnel";
import type { Source } from "./model";

/** A request to Mimir's gateway as a user, or to Prometheus without one. @throws if it fails */
export type Ask = (user: string | undefined, path: string) => Promise<Json>;

/** Runs an action with tunnels to Prometheus and to Mimir's gateway. */
export function withStores<T>(
  { config, settings }: Connection,
  action: (ask: Ask) => Promise<T>,
): Promise<T> {
  const { mimir: service } = services(settings);
  const passwords = new Map<string, Promise<string>>();
  const passwordOf = (user: string) => {
    const known = passwords.get(user) ?? gatewayPassword(config, service, user);
    passwords.set(user, known);
    return known;
  };
  return withClient(config, prometheusPods(settings), {}, (prometheus) =>
    withClient(config, gatewayPods(service.namespace), {}, (mimir) =>
      action(async (user, path) => {
        const authorization = user && basicAuth(user, await passwordOf(user));
        const answer = authorization
          ? mimir(`/prometheus/api/v1${path}`, { headers: { authorization } })
          : prometheus(`/api/v1${path}`);
        return JSON.parse(successful(path.split("?")[0] ?? "", await answer));
      }),
    ),
  );
}

/** Metrics and series of the last hours. */
export function holdings(ask: Ask, hours: number, now = Date.now()) {
  const end = Math.ceil(now / 1000);
  const range = { start: `${end - hours * 3600}`, end: `${end}` };
  const all = async (source: Source, path: string, query: Record<string, string>): Promise<unknown[]> => {
    const users = source.users.length ? source.users : [undefined];
    const answers = await Promise.all(
      users.map((user) => ask(user, `${path}?${new URLSearchParams({ ...range, ...query })}`)),
    );
    return answers.flatMap(({ data }) => data);
  };
  const ofSeries = async (source: Source, path: string, selector: string) =>
    new Set((await all(source, path, { "match[]": selector })) as string[]);
  return {
    names: async (source: Source) => new Set((await all(source, "/label/__name__/values", {})) as string[]),
    hasSeries: async (source: Source, selector: string) =>
      (await all(source, "/series", { "match[]": selector, limit: "1" })).length > 0,
    labels: (source: Source, selector: string) => ofSeries(source, "/labels", selector),
    /** Jobs of the targets that expose series. */
    jobs: (source: Source, selector: string) => ofSeries(source, "/label/job/values", selector),
  };
}

export type Holdings = ReturnType<typeof holdings>;

/** Series of the largest metrics, and of all. */
export interface Cost {
  total: number;
  metrics: Map<string, number>;
}

/** Series in the head of Prometheus. */
export async function prometheusCost(ask: Ask): Promise<Cost> {
  const { data } = await ask(undefined, "/status/tsdb?limit=10000");
  const metrics: { name: string; value: number }[] = data.seriesCountByMetricName ?? [];
  return {
    total: data.headStats.numSeries,
    metrics: new Map(metrics.map(({ name, value }) => [name, value])),
  };
}

/** Active series of tenants of Mimir, from its cardinality API, which lists the 500 largest metrics. */
export async function mimirCost(ask: Ask, users: string[]): Promise<Cost> {
  const query = new URLSearchParams({ "label_names[]": "__name__", limit: "500", count_method: "active" });
  const cost: Cost = { total: 0, metrics: new Map() };
  for (const user of users) {
    const answer = await ask(user, `/cardinality/label_values?${query}`);
    cost.total += answer.series_count_total;
    for (const { label_value, series_count } of answer.labels[0]?.cardinality ?? [])
      cost.metrics.set(label_value, (cost.metrics.get(label_value) ?? 0) + series_count);
  }
  return cost;
}
