/** Runs the queries of panels without Grafana: at the stores' gateways, as the users of Grafana's data sources. */
import type { KubeConfig } from "@kubernetes/client-node";
import { datasources, services } from "../../../names";
import type { Settings } from "../../../settings";
import { grafanaDatasources } from "../../../values/grafana-datasources";
import { bodyOf } from "../../lib/service";
import { hour, type PanelQuery, type Run } from "./query";

/** Seconds between the points of a range query. */
const step = 30;

/** A query with Grafana's own variables replaced as Grafana does for this range and step. */
export const withoutMacros = (expr: string, instant: boolean, { alloyMetrics }: Settings): string =>
  expr
    .replaceAll("$__rate_interval", `${Math.max(4 * alloyMetrics.scrapeInterval, step)}s`)
    .replaceAll("$__range_s", String(hour / 1000))
    .replaceAll("$__range", `${hour / 1000}s`)
    .replaceAll("$__interval", `${step}s`)
    .replaceAll("$__auto", `${instant ? hour / 1000 : step}s`);

/** Path and parameters of a query in the API of its store. */
export function requestOf({ source, expr, instant }: PanelQuery, settings: Settings, now: number): string {
  const [start, end] = [Math.floor((now - hour) / 1000), Math.floor(now / 1000)].map(String) as [
    string,
    string,
  ];
  if (source.type === "tempo") return `/api/search?${new URLSearchParams({ q: expr, start, end })}`;
  const query = withoutMacros(expr, instant, settings);
  const api = source.type === "loki" ? "/loki/api/v1" : "/api/v1";
  return instant
    ? `${api}/query?${new URLSearchParams({ query, time: end })}`
    : `${api}/query_range?${new URLSearchParams({ query, start, end, step: String(step), ...(source.type === "loki" && { limit: "10" }) })}`;
}

/** Runs queries at the gateways, and at Prometheus' Service. */
export function atGateways(config: KubeConfig, settings: Settings): Run {
  const known = grafanaDatasources(settings)["datasources"] as {
    uid: string;
    type: string;
    basicAuthUser?: string;
  }[];
  const { loki, mimir, tempo, prometheus } = services(settings);
  const run: Run = async (query) => {
    const { type, uid } = query.source;
    if (type === "tempo" && !query.expr)
      return run({
        ...query,
        ...{ source: { type: "prometheus", uid: datasources.mimir.uid }, instant: true },
        expr: "sum(traces_service_graph_request_total)",
      });
    const as = known.find((one) => one.uid === uid)?.basicAuthUser;
    const path = requestOf(query, settings, Date.now());
    const [service, prefix] =
      type === "loki"
        ? [loki, ""]
        : type === "tempo"
          ? [tempo, ""]
          : uid === datasources.prometheus.uid
            ? [prometheus, ""]
            : [mimir, "/prometheus"];
    const answer = JSON.parse(await bodyOf(config, service, { path: `${prefix}${path}`, ...(as && { as }) }));
    return type === "tempo" ? (answer.traces ?? []).length : answer.data.result.length;
  };
  return run;
}
