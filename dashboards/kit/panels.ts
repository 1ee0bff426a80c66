/** The kinds of panels. Each takes a title, a unit and queries; all share one look. */

import { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeSizing,
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphGradientMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LogsSortOrder,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTextDisplayOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import type { DataTransformerConfig } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Logs } from "@grafana/grafana-foundation-sdk/logs";
import { PanelBuilder as NodeGraph } from "@grafana/grafana-foundation-sdk/nodegraph";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { DataqueryBuilder as TempoQuery } from "@grafana/grafana-foundation-sdk/tempo";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import { type Look, type Placed, styled } from "./look";
import { type Query, reasonTarget } from "./queries";
import { metrics, mixed, reference, type Source } from "./sources";

/** The newest value of each series. */
const newest = () => new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);

/** The color of a series by its meaning: regular expressions of its name. */
const meanings: Record<string, Record<string, string>> = {
  status: {
    "/\\b(2\\d\\d|2xx|success|OK)$/": "green",
    "/\\b3\\d\\d$/": "blue",
    "/\\b4\\d\\d$/": "yellow",
    "/\\b(5\\d\\d|5xx|failure|no response)$/": "red",
  },
  phase: {
    "/\\bRunning$/": "green",
    "/\\bSucceeded$/": "blue",
    "/\\bPending$/": "yellow",
    "/\\b(Failed|Unknown)$/": "red",
  },
  level: {
    "/^(error|fatal|critical)$/": "red",
    "/^warn(ing)?$/": "yellow",
    "/^info$/": "green",
    "/^(debug|trace)$/": "blue",
    "/^unknown$/": "gray",
  },
};

/** Words of a legend that mean a failure. */
const failure = /\b(fail(ed|ures)?|errors?|dropped|rejected|discarded|corrupt(ions)?|offline|missed)\b/i;

/** Fixed colors of series whose names have a known meaning, by the legends of a panel. */
function colors(legends: string[]): Record<string, string> {
  const has = (label: RegExp) => legends.some((legend) => label.test(legend));
  return {
    ...(has(/\{\{(\w+_)?(status_code|code|status)\}\}/) && meanings["status"]),
    ...(has(/\{\{phase\}\}/) && meanings["phase"]),
    ...(has(/\{\{level\}\}/) && meanings["level"]),
    ...Object.fromEntries(
      legends
        .filter((legend) => failure.test(legend) && !legend.includes("{{"))
        .map((legend) => [`/^${legend}$/`, "red"]),
    ),
  };
}

/** Top of the axis of a panel whose values are all zero, which would otherwise end at 100. */
const softMax = (unit: string) =>
  /^(s|percentunit)$/.test(unit) ? 0.01 : /short|bytes|Bps/.test(unit) ? 1 : 0.1;

/** Values over time; counts of log lines as bars, because they are sparse. */
export const timeSeries = (
  title: string,
  unit: string,
  queries: Query[],
  look: Look & { stacked?: boolean } = {},
) => {
  const sparse = queries.some(({ source }) => source.type === "loki");
  const panel = new TimeSeries()
    .drawStyle(sparse ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    // The line of a stacked series that is zero would color the top of the stack; areas of single lines hide each other.
    .lineWidth(sparse || look.stacked ? 0 : 1)
    .fillOpacity(sparse ? 80 : look.stacked ? 60 : 0)
    .gradientMode(GraphGradientMode.None)
    .showPoints(VisibilityMode.Auto)
    .spanNulls(false)
    .axisSoftMin(0)
    .axisSoftMax(softMax(unit))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (look.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (look.thresholds)
    panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  for (const [name, fixedColor] of Object.entries(colors(queries.map(({ legend = "" }) => legend))))
    panel.overrideByRegexp(name, [{ id: "color", value: { mode: "fixed", fixedColor } }]);
  return styled(panel, title, unit, queries, look);
};

/** One number in the color of its threshold; a time series behind it, if its query has one. */
export const stat = (title: string, unit: string, queries: Query[], look: Look = {}) =>
  styled(
    new Stat()
      .colorMode(look.thresholds ? BigValueColorMode.Value : BigValueColorMode.None)
      .text(new VizTextDisplayOptionsBuilder().valueSize(32))
      .graphMode(queries.some(({ instant }) => instant) ? BigValueGraphMode.None : BigValueGraphMode.Area)
      .reduceOptions(newest()),
    title,
    unit,
    queries,
    { width: 4, height: 4, ...look },
  );

/** A number over the whole time range, such as an increase: one instant query. */
export const total = (title: string, unit: string, queries: Query[], look: Look = {}) =>
  stat(
    title,
    unit,
    queries.map((query) => ({ ...query, instant: true })),
    { decimals: 0, ...look },
  );

/** One bar for each series, by current value, highest first; a Loki query returns them as rows of one table. */
export const bars = (title: string, unit: string, queries: Query[], look: Look = {}) => {
  const fromLoki = queries.some(({ source }) => source.type === "loki");
  const panel = new BarGauge()
    .displayMode(BarGaugeDisplayMode.Basic)
    .orientation(VizOrientation.Horizontal)
    .sizing(BarGaugeSizing.Manual)
    .minVizHeight(16)
    .maxVizHeight(24)
    .namePlacement(BarGaugeNamePlacement.Left)
    .text(new VizTextDisplayOptionsBuilder().titleSize(12).valueSize(14))
    .reduceOptions(newest().values(fromLoki));
  // Grafana omits the name of a single bar that has no explicit one.
  const label = /\{\{(\w+)\}\}/.exec(queries[0]?.legend ?? "")?.[1];
  panel.displayName(fromLoki ? `\${__data.fields.${label}}` : "${__series.name}");
  return styled(
    panel,
    title,
    unit,
    queries.map((query) => ({ ...query, expr: `sort_desc(${query.expr})`, instant: true })),
    look,
  );
};

/** A column of a table: a label or the value of a query. */
export interface Column {
  /** Label, or `Value #A` for the first query. */
  field: string;
  heading: string;
  unit?: string;
  /** Pixels. @default an equal share */
  width?: number;
  /** The dashboard that a click on a value opens, and its variable that gets the value. */
  opens?: { uid: string; variable: string };
}

/** Name of a column that is 0 in all rows of a table. */
const zero = "zero";

/** Adds the column `zero` to a table: `time` is the heading of a column with a time in each row. */
const addZero = (time: string): DataTransformerConfig => ({
  id: "calculateField",
  options: {
    mode: "binary",
    alias: zero,
    binary: { left: { matcher: { id: "byName", options: time } }, operator: "*", right: { fixed: "0" } },
  },
});

/**
 * Makes one table for each value of `zero`, without that column: none from a table without rows. Grafana shows the text
 * for no data only without a table, else an empty header.
 */
const dropWithoutRows: DataTransformerConfig = {
  id: "partitionByValues",
  options: { fields: [zero], naming: { asLabels: false } },
};

/** Current values, a row for each series; queries are joined by the labels that they share. `sort` is a heading: highest first. */
export const table = (title: string, queries: Query[], look: Look & { columns: Column[]; sort?: string }) => {
  // Grafana does not number the value column of a single query.
  const columns = look.columns.flatMap((column) =>
    column.field === "Value #A" ? [column, { ...column, field: "Value" }] : [column],
  );
  const shown = columns.map(({ field }) => field);
  const panel = new Table().filterable(true).transformations([
    { id: "merge", options: {} },
    addZero("Time"),
    { id: "filterFieldsByName", options: { include: { names: [...shown, zero] } } },
    {
      id: "organize",
      options: {
        indexByName: Object.fromEntries(shown.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(columns.map(({ field, heading }) => [field, heading])),
      },
    },
    dropWithoutRows,
  ]);
  if (look.sort) panel.sortBy([new TableSortByFieldStateBuilder().displayName(look.sort).desc(true)]);
  for (const { heading, unit, width, opens } of look.columns) {
    // The dashboard's text for no data would be in every cell without a value.
    panel.overrideByName(heading, [{ id: "noValue", value: "–" }]);
    if (unit) panel.overrideByName(heading, [{ id: "unit", value: unit }]);
    if (width) panel.overrideByName(heading, [{ id: "custom.width", value: width }]);
    if (opens) {
      const url = `/d/${opens.uid}?var-${opens.variable}=\${__value.raw}&\${__url_time_range}`;
      panel.overrideByName(heading, [{ id: "links", value: [{ title: "Open", url }] }]);
    }
  }
  return styled(
    panel,
    title,
    "none",
    queries.map((query) => ({ ...query, instant: true })),
    { width: 24, height: 8, ...look },
  );
};

/** Log lines, newest first; without any, one line with the reason, because Grafana ignores the text for no data here. */
export const logLines = (title: string, queries: Query[], look: Look = {}) => {
  const panel = new Logs();
  const placed = styled(
    panel.showTime(true).wrapLogMessage(true).enableLogDetails(true).sortOrder(LogsSortOrder.Descending),
    title,
    "none",
    queries,
    { width: 24, height: 9, ...look },
  );
  for (const { source, expr } of queries) {
    // Grafana shows the first label as the line. Without a level, it would take one from the words of the text.
    const unknown = `label_replace(vector(0), "detected_level", "unknown", "", "")`;
    const line = `label_replace(${unknown}, "body", "${placed.none}", "", "")`;
    panel.withTarget(reasonTarget(source, `${line} unless on () sum(count_over_time(${expr} [$__range]))`));
  }
  return placed;
};

/** Traces that a TraceQL query finds; a click opens one. */
export const traceList = (title: string, queries: Query[], look: Look = {}) =>
  styled(
    new Table().transformations([
      // Hides the spans of a trace; they open with it.
      { id: "organize", options: { excludeByName: { nested: true } } },
      addZero("Start time"),
      dropWithoutRows,
    ]),
    title,
    "none",
    queries,
    { width: 24, height: 9, ...look },
  );

/** The metric from which Tempo draws the service graph. */
const edges = "traces_service_graph_request_total";

/**
 * The service graph that Tempo draws from the metrics with `labels`; without any, one node with the reason, because
 * Grafana ignores the text for no data here.
 */
export const serviceMap = (title: string, source: Source, labels: string, look: Look = {}): Placed => {
  const none = look.none ?? "No calls";
  const node = (label: string, text: string, of: string) =>
    `label_replace(${of}, "${label}", "${text}", "", "")`;
  const panel = new NodeGraph()
    .title(title)
    .unit("none")
    .datasource(mixed)
    // The value of the reason would be shown as a number in its node.
    .transformations([{ id: "filterFieldsByName", options: { exclude: { names: ["Value"] } } }])
    // The node graph draws the first nodes that it gets.
    .withTarget(
      reasonTarget(
        metrics,
        node("id", "none", node("title", none, `absent_over_time(${edges}{${labels}}[$__range])`)),
      ),
    )
    .withTarget(
      new TempoQuery()
        .datasource(reference(source))
        .refId("A")
        .queryType("serviceMap")
        .serviceMapQuery(`{${labels}}`),
    );
  if (look.description) panel.description(look.description);
  return { title, width: look.width ?? 24, height: look.height ?? 12, panel, none };
};
