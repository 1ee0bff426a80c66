/** Queries of panels in the form of each data source. */
import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import { DataqueryBuilder as LokiQuery } from "@grafana/grafana-foundation-sdk/loki";
import { DataqueryBuilder as PromQuery, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { DataqueryBuilder as TempoQuery } from "@grafana/grafana-foundation-sdk/tempo";
import { reference, type Source } from "./sources";

/** One query of a panel. */
export interface Query {
  source: Source;
  /** PromQL, LogQL or TraceQL, by the source. */
  expr: string;
  /** Name of each series; labels in double braces. */
  legend?: string;
  /** Whether only the current value is queried. @default false */
  instant?: boolean;
  /**
   * The shortest interval between two points: a duration, or a variable that holds one. @default the data
   * source's
   */
  minStep?: string;
}

/** Queries of one source: `{ legend: expr }`. */
export const of = (source: Source, queries: Record<string, string>): Query[] =>
  Object.entries(queries).map(([legend, expr]) => ({ source, expr, legend }));

const refId = (index: number) => String.fromCharCode("A".charCodeAt(0) + index);

/** Reference of the query of a panel that gives the reason why the others have no data. */
export const reason = "reason";

/** A query that returns the reason as a label if the panel's other queries have no data, and nothing otherwise. */
export const reasonTarget = (source: Source, expr: string): cog.Builder<cog.Dataquery> =>
  source.type === "loki"
    ? new LokiQuery()
        .datasource(reference(source))
        .refId(reason)
        .expr(expr)
        .queryType("instant")
        .instant(true)
    : new PromQuery()
        .datasource(reference(source))
        .refId(reason)
        .expr(expr)
        .instant()
        .format(PromQueryFormat.Table);

/** A query in the form of the panel's data source. */
export function target(
  { source, expr, legend = "", instant, minStep }: Query,
  index: number,
  table = false,
): cog.Builder<cog.Dataquery> {
  if (source.type === "tempo")
    return new TempoQuery()
      .datasource(reference(source))
      .refId(refId(index))
      .queryType("traceql")
      .query(expr)
      .limit(20);
  if (source.type === "loki") {
    const query = new LokiQuery()
      .datasource(reference(source))
      .refId(refId(index))
      .expr(expr)
      .legendFormat(legend);
    return instant ? query.queryType("instant").instant(true) : query.queryType("range");
  }
  const query = new PromQuery()
    .datasource(reference(source))
    .refId(refId(index))
    .expr(expr)
    .legendFormat(legend);
  if (table) query.format(PromQueryFormat.Table);
  if (minStep) query.interval(minStep);
  return instant ? query.instant() : query.range().exemplar(/_bucket\b/.test(expr));
}
