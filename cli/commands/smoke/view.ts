/** The stores as Grafana sees them; in prod, where only people of the identity provider log in, as its datasources' users. */
import type { KubeConfig } from "@kubernetes/client-node";
import { datasources, gatewayUser, services, tenants } from "../../../names";
import type { Settings } from "../../../settings";
import { datasourceReader } from "../../../values/gateway";
import { grafanaDatasources } from "../../../values/grafana-datasources";
import { type Datasource, type Grafana, grafanaToken, health, withGrafana } from "../../lib/grafana";
import { bodyOf } from "../../lib/service";

/** What is asked: one of Grafana's datasources by its uid. */
export type Source = "loki" | "mimir" | "tempo";

/** A datasource, with what Grafana does with it. */
export interface Configured extends Datasource {
  // biome-ignore lint/suspicious/noExplicitAny: each type has its own
  jsonData: any;
}

/** A way to ask the stores. */
export interface View {
  /** As whom they are asked, for the evidence. */
  how: string;
  /** Asks a store's own API. @param path without the prefix that the datasource has */
  // biome-ignore lint/suspicious/noExplicitAny: the API knows its form
  json(source: Source, path: string): Promise<any>;
  /** How Grafana is configured for each store. */
  configured(): Promise<Configured[]>;
  /** Asks a datasource whether it works; undefined where this view cannot. */
  health(datasource: Configured): Promise<string | undefined>;
}

/** Who reads each store for Grafana, and below which path. */
const readers = (settings: Settings) => ({
  loki: { service: services(settings).loki, as: gatewayUser(tenants.logs, "read"), prefix: "" },
  mimir: { service: services(settings).mimir, as: datasourceReader, prefix: "/prometheus" },
  tempo: { service: services(settings).tempo, as: gatewayUser(tenants.traces, "read"), prefix: "" },
});

const throughGrafana = (grafana: Grafana): View => ({
  how: `through Grafana, as ${grafana.user}`,
  json: (source, path) => grafana.json(`/api/datasources/proxy/uid/${datasources[source].uid}${path}`),
  configured: () => grafana.json("/api/datasources"),
  health: (datasource) => health(grafana, datasource),
});

/** The stores at their gateways, as the users of Grafana's datasources: there as soon as the stores are. */
export const throughGateways = (config: KubeConfig, settings: Settings): View => ({
  how: `at the gateways, as ${Object.values(readers(settings))
    .map(({ as }) => as)
    .join(
      ", ",
    )}, the users that Grafana's datasources have: in prod nobody logs in but through grafana.auth; a service account's token in OBS_GRAFANA_TOKEN asks through Grafana`,
  json: async (source, path) => {
    const { service, as, prefix } = readers(settings)[source];
    return JSON.parse(await bodyOf(config, service, { path: `${prefix}${path}`, as }));
  },
  configured: async () => grafanaDatasources(settings)["datasources"] as Configured[],
  health: async () => undefined,
});

/** Runs an action with the view that a stack allows. */
export const withView = <T>(
  config: KubeConfig,
  settings: Settings,
  action: (view: View) => Promise<T>,
): Promise<T> =>
  settings.environment === "prod" && !grafanaToken()
    ? action(throughGateways(config, settings))
    : withGrafana(config, settings, (grafana) => action(throughGrafana(grafana)));

/** Asks every datasource of some types whether it works. @returns the evidence @throws for those that do not */
export async function healthy(view: View, types: string[]): Promise<{ asked: string; answer: string }[]> {
  const all = (await view.configured()).filter(({ type }) => types.includes(type));
  const answers = await Promise.all(
    all.map(async (one) => ({
      name: one.name,
      said: await view.health(one).catch((error: Error) => error),
    })),
  );
  const sick = answers.flatMap(({ name, said }) =>
    said instanceof Error ? [`${name}: ${said.message}`] : [],
  );
  if (sick.length) throw new Error(`datasources that are not healthy: ${sick.join("; ")}`);
  const known = answers.filter(({ said }) => said !== undefined);
  return known.length
    ? [{ asked: "health of datasources", answer: `${known.map(({ name }) => name).join(", ")}: OK` }]
    : [];
}
