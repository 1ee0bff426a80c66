/** Runs queries at the stores on loopback, as Grafana does, and measures them. */
import { readFileSync } from "node:fs";
import pLimit from "p-limit";
import { type PanelQuery, requestOf, type Span } from "../../cli/commands/dashboards/gateways";
import { datasources, datasourceTenants, longRangeTenants, tenants } from "../../names";
import type { Settings } from "../../settings";
import type { Store, StoreName } from "./stores";

export type Stores = Record<StoreName, Store>;

/** CPU seconds of a process so far; NaN except on Linux. */
function cpuOf({ pid }: { pid: number }): number {
  if (process.platform !== "linux") return Number.NaN;
  // After the name in parentheses: utime and stime, in ticks of 10 ms (proc_pid_stat(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Measured times, in seconds. */
export interface Taken {
  seconds: number;
  /** CPU time of all stores. */
  cpu: number;
}

export async function taken<T>(stores: Stores, action: () => Promise<T>): Promise<Taken & { result: T }> {
  const cpu = () => Object.values(stores).reduce((sum, store) => sum + cpuOf(store), 0);
  const [start, before] = [performance.now(), cpu()];
  const result = await action();
  return { result, seconds: (performance.now() - start) / 1000, cpu: cpu() - before };
}

/** The store of a query, and the tenants of its data source. Prometheus' own samples are in a tenant of Mimir. */
function at({ type, uid }: PanelQuery["source"]): { store: StoreName; tenant: string; prefix: string } {
  if (type === "loki") return { store: "loki", tenant: tenants.logs, prefix: "" };
  if (type === "tempo") return { store: "tempo", tenant: tenants.traces, prefix: "" };
  const tenant =
    uid === datasources.prometheus.uid
      ? tenants.prometheus
      : uid === datasources.longRange.uid
        ? longRangeTenants
        : datasourceTenants;
  return { store: "mimir", tenant, prefix: "/prometheus" };
}

/** Runs a query until its response is complete. @returns the response @throws if the query is rejected */
export async function ask(
  stores: Stores,
  query: PanelQuery,
  settings: Settings,
  end: number,
  span: Span,
  // biome-ignore lint/suspicious/noExplicitAny: answers are read deeply
): Promise<any> {
  const { store, tenant, prefix } = at(query.source);
  const path = requestOf(query, settings, end, span);
  const answer = await fetch(`${stores[store].url}${prefix}${path}`, {
    headers: { "X-Scope-OrgID": tenant, "Accept-Encoding": "gzip" },
  });
  const body = await answer.text();
  if (!answer.ok)
    throw new Error(`${query.dashboard} / ${query.panel}: ${answer.status} ${body.slice(0, 300)}`);
  return JSON.parse(body);
}

/** Maximum number of parallel requests of a browser to one host with HTTP/1.1. */
const atOnce = pLimit(6);

/** Results of one dashboard's queries. */
export interface Load {
  failed: string[];
  /** Queries without data. */
  empty: number;
}

/** Runs all queries of a dashboard, until the last response. */
export async function load(
  stores: Stores,
  queries: PanelQuery[],
  settings: Settings,
  end: number,
  span: Span,
): Promise<Load> {
  const failed: string[] = [];
  let empty = 0;
  await atOnce.map(queries, async (query) => {
    try {
      const answer = await ask(stores, query, settings, end, span);
      if (!(answer.traces ?? answer.data?.result ?? []).length) empty++;
    } catch (error) {
      failed.push((error as Error).message);
    }
  });
  return { failed, empty };
}
