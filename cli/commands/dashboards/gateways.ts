/** Runs the queries of panels at the stores' gateways, as the users of Grafana's data sources. */
import { datasources, services } from "../../../names";
import type { Settings } from "../../../settings";
import { grafanaDatasources } from "../../../values/grafana-datasources";
import type { Connection } from "../../lib/cluster";
import { bodyOf } from "../../lib/service";

/** A query of a panel, without the dashboard's variables. */
export interface PanelQuery {
  dashboard: string;
  panel: string;
  source: { type: string; uid: string };
  expr: string;
  instant: boolean;
}

/** What a query covers. */
export interface Span {
  /** Seconds. */
  range: number;
  /** Seconds between the points of a range query. */
  step: number;
  /** Lines that Loki returns at most. */
  lines: number;
}

const lastHour: Span = { range: 3600, step: 30, lines: 10 };

/** A query with Grafana's own variables replaced as Grafana does for this range and step. */
export const withoutMacros = (
  expr: string,
  instant: boolean,
  { alloyMetrics }: Settings,
  { range, step }: Span = lastHour,
): string =>
  expr
    .replaceAll("$__rate_interval", `${Math.max(4 * alloyMetrics.scrapeInterval, step)}s`)
    .replaceAll("$__range_s", String(range))
    .replaceAll("$__range", `${range}s`)
    .replaceAll("$__interval", `${step}s`)
    .replaceAll("$__auto", `${instant ? range : step}s`);

/** Path and parameters of a query in the API of its store. */
export function requestOf(
  { source, expr, instant }: PanelQuery,
  settings: Settings,
  now: number,
  span: Span = lastHour,
): string {
  const { range, step, lines } = span;
  const end = String(Math.floor(now / 1000));
  const start = String(Math.floor(now / 1000) - range);
  if (source.type === "tempo") return `/api/search?${new URLSearchParams({ q: expr, start, end })}`;
  const query = withoutMacros(expr, instant, settings, span);
  const api = source.type === "loki" ? "/loki/api/v1" : "/api/v1";
  return instant
    ? `${api}/query?${new URLSearchParams({ query, time: end })}`
    : `${api}/query_range?${new URLSearchParams({ query, start, end, step: String(step), ...(source.type === "loki" && { limit: String(lines) }) })}`;
}

/** A function that runs a query. @returns a function that gives the number of series, lines or traces */
export function runner({ config, settings }: Connection): (query: PanelQuery) => Promise<number> {
  const known = grafanaDatasources(settings)["datasources"] as { uid: string; basicAuthUser?: string }[];
  const { loki, mimir, tempo, prometheus } = services(settings);
  return async (query) => {
    const { type, uid } = query.source;
    const metrics = uid === datasources.prometheus.uid ? prometheus : mimir;
    const service = type === "loki" ? loki : type === "tempo" ? tempo : metrics;
    const prefix = service === mimir ? "/prometheus" : "";
    const path = `${prefix}${requestOf(query, settings, Date.now())}`;
    const as = known.find((one) => one.uid === uid)?.basicAuthUser;
    const answer = JSON.parse(await bodyOf(config, service, { path, ...(as && { as }) }));
    return type === "tempo" ? (answer.traces ?? []).length : answer.data.result.length;
  };
}
