/** The store that evaluates the query of a dashboard, a rule or an autoscaler. */
import { datasources, datasourceTenants, gatewayUser, services } from "../../../names";
import type { Settings } from "../../../settings";
import { grafanaDatasources } from "../../../values/grafana-datasources";
import type { Reading, Source } from "./model";

/** The stores that have metrics of all kinds. */
export const prometheus: Source = { ...datasources.prometheus, users: [] };
export const mimir: Source = { ...datasources.mimir, users: [gatewayUser(datasourceTenants, "read")] };

/** The data sources that answer PromQL; the default comes first. */
export const sourcesOf = (settings: Settings): Source[] =>
  (
    grafanaDatasources(settings)["datasources"] as (Record<"uid" | "name" | "type", string> & {
      basicAuthUser?: string;
    })[]
  )
    .filter(({ type }) => type === "prometheus")
    .map(({ uid, name, basicAuthUser }) => ({ uid, name, users: basicAuthUser ? [basicAuthUser] : [] }));

/** The data source of a panel, a variable or a target: a uid, a name, or an object. */
export type Reference = string | { uid?: string; type?: string } | null | undefined;

/** The store of a reference. @param chosen initial values of the dashboard's data source variables */
export function resolve(
  sources: Source[],
  chosen: Map<string, string>,
  reference: Reference,
): Reading["source"] {
  const uid = typeof reference === "string" ? reference : (reference?.uid ?? "");
  const type = typeof reference === "object" ? reference?.type : undefined;
  if (type && type !== "prometheus") return { why: `data source of type ${type}` };
  const name = /^\$\{?(\w+)/.exec(uid)?.[1];
  const value = name ? (chosen.get(name) ?? "") : uid;
  if (value === "" || value === "default" || value === "-- Mixed --") return prometheus;
  return (
    sources.find((one) => one.uid === value || one.name === value) ?? {
      why: `data source ${value} is not one of this stack's that answer PromQL`,
    }
  );
}

/** The store that evaluates a rule of these tenants of Mimir. */
export function ofTenants(tenants: string[]): Source {
  const sorted = [...tenants].sort();
  const both = datasourceTenants.split("|").sort().join();
  if (sorted.join() === both) return mimir;
  return {
    uid: `mimir-${sorted.join("|")}`,
    name: `Mimir ${sorted.join(", ")}`,
    users: sorted.map((tenant) => gatewayUser(tenant, "read")),
  };
}

/** The store at the address of an autoscaler, with or without the cluster domain. */
export function ofAddress(settings: Settings, address: string): Reading["source"] {
  const [, name, namespace] =
    /^(?:https?:\/\/)?([^.:/]+)\.([^.:/]+)(?:\.svc\b.*|[:/].*)?$/.exec(address) ?? [];
  const is = (store: { name: string; namespace: string }) =>
    store.name === name && store.namespace === namespace;
  if (is(services(settings).prometheus)) return prometheus;
  if (is(services(settings).mimir)) return mimir;
  return { why: `${address} is not a store of this stack` };
}
