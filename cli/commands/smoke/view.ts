/** The stores through Grafana; in prod without a token, where only people log in, as the users of its datasources. */
import { datasources, readerOf, type Store, services, stores } from "../../../names";
import { grafanaDatasources } from "../../../values/grafana-datasources";
import type { Connection } from "../../lib/cluster";
import { type Datasource, type Grafana, grafanaToken, health, withGrafana } from "../../lib/grafana";
import { type Sample, samplesIn } from "../../lib/prometheus";
import { bodyOf } from "../../lib/service";

/** A way to query the stores. */
export interface View {
  /** The user of the queries, for the evidence. */
  how: string;
  /** Queries a store's own API. @param path without the prefix that the datasource has */
  // biome-ignore lint/suspicious/noExplicitAny: the API knows its form
  json(store: Store, path: string): Promise<any>;
  /** Grafana's datasources. */
  configured(): Promise<Datasource[]>;
  /** The result of a datasource's health check; undefined if this view has none. */
  health(datasource: Datasource): Promise<string | undefined>;
}

const throughGrafana = (grafana: Grafana): View => ({
  how: `through Grafana, as ${grafana.user}`,
  json: (store, path) => grafana.json(`/api/datasources/proxy/uid/${datasources[store].uid}${path}`),
  configured: () => grafana.json("/api/datasources"),
  health: (datasource) => health(grafana, datasource),
});

/** The stores at their gateways, which work before Grafana does. */
export function throughGateways({ config, settings }: Connection): View {
  const users = new Set(stores.map((store) => readerOf(store, settings)));
  return {
    how: `at the gateways, as ${[...users].join(", ")}, the users of Grafana's data sources; with the token of a service account in OBS_GRAFANA_TOKEN through Grafana`,
    json: async (store, path) => {
      const request = {
        path: store === "mimir" ? `/prometheus${path}` : path,
        as: readerOf(store, settings),
      };
      return JSON.parse(await bodyOf(config, services(settings)[store], request));
    },
    configured: async () => grafanaDatasources(settings)["datasources"] as Datasource[],
    health: async () => undefined,
  };
}

/** Runs an action with the view that a stack allows. */
export const withView = <T>(stack: Connection, action: (view: View) => Promise<T>): Promise<T> =>
  stack.settings.environment === "prod" && !grafanaToken()
    ? action(throughGateways(stack))
    : withGrafana(stack, (grafana) => action(throughGrafana(grafana)));

/** Runs an instant query in Mimir through a view. @param time epoch in seconds; now without it */
export async function samplesOf(view: View, query: string, time?: number): Promise<Sample[]> {
  const parameters = new URLSearchParams({ query, ...(time && { time: String(time) }) });
  return samplesIn((await view.json("mimir", `/api/v1/query?${parameters}`)).data);
}

/** The health of the datasources of some types. @throws if one is not healthy */
export async function healthy(view: View, types: string[]): Promise<{ asked: string; answer: string }[]> {
  const all = (await view.configured()).filter(({ type }) => types.includes(type));
  const answers = await Promise.all(
    all.map(async (one) => ({ name: one.name, said: await view.health(one).catch((error: Error) => error) })),
  );
  const failed = answers.flatMap(({ name, said }) =>
    said instanceof Error ? `${name}: ${said.message}` : [],
  );
  if (failed.length) throw new Error(`data sources that are not healthy: ${failed.join("; ")}`);
  const known = answers.filter(({ said }) => said !== undefined).map(({ name }) => name);
  return known.length ? [{ asked: "health of data sources", answer: `${known.join(", ")}: OK` }] : [];
}
