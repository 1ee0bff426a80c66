/** The panels that dashboards are made of. Each has a title, a unit and its queries; the rest has one look. */

import { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import {
  BarGaugeDisplayMode,
  BigValueColorMode,
  BigValueGraphMode,
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
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import type { DataTransformerConfig } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Logs } from "@grafana/grafana-foundation-sdk/logs";
import { PanelBuilder as NodeGraph } from "@grafana/grafana-foundation-sdk/nodegraph";
import { PanelBuilder as PieChart, PieChartType } from "@grafana/grafana-foundation-sdk/piechart";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimeline } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { DataqueryBuilder as TempoQuery } from "@grafana/grafana-foundation-sdk/tempo";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import { dressed, type Look, type Placed } from "./look";
import type { Query } from "./queries";
import { reference, type Source } from "./sources";

/** The newest value of each series. */
const newest = () => new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);

/** Lines over time. */
export const timeSeries = (
  title: string,
  unit: string,
  queries: Query[],
  look: Look & { stacked?: boolean } = {},
) => {
  const panel = new TimeSeries()
    .lineWidth(1)
    .fillOpacity(look.stacked ? 30 : 8)
    .gradientMode(GraphGradientMode.Opacity)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
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
    panel.thresholdsStyle(
      new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.DashedAndArea),
    );
  return dressed(panel, title, unit, queries, look);
};

/** One number, coloured by its thresholds, with its course behind it. */
export const stat = (title: string, unit: string, queries: Query[], look: Look = {}) =>
  dressed(
    new Stat()
      .colorMode(look.thresholds ? BigValueColorMode.Background : BigValueColorMode.Value)
      .graphMode(queries.some(({ instant }) => instant) ? BigValueGraphMode.None : BigValueGraphMode.Area)
      .reduceOptions(newest()),
    title,
    unit,
    queries,
    { width: 4, height: 4, ...look },
  );

/** One bar for each series, to compare them now; Loki gives them as rows of one table. */
export const bars = (title: string, unit: string, queries: Query[], look: Look = {}) =>
  dressed(
    new BarGauge()
      .displayMode(BarGaugeDisplayMode.Basic)
      .orientation(VizOrientation.Horizontal)
      .reduceOptions(newest().values(queries.some(({ source }) => source.type === "loki"))),
    title,
    unit,
    queries.map((query) => ({ ...query, instant: true })),
    look,
  );

/** Shares of a whole, now. */
export const pie = (title: string, unit: string, queries: Query[], look: Look = {}) =>
  dressed(
    new PieChart().pieType(PieChartType.Donut).reduceOptions(newest()),
    title,
    unit,
    queries.map((query) => ({ ...query, instant: true })),
    look,
  );

/** A column of a table: the heading of a label, or of the query with that letter, and the unit of its numbers. */
export interface Column {
  /** Label, or `Value #A` for the first query. */
  field: string;
  heading: string;
  unit?: string;
  /** The dashboard that a click on a value opens, and the variable of it that takes the value. */
  opens?: { uid: string; variable: string };
}

/** What the series say now, a row for each; queries are joined by the labels that they share. */
export const table = (
  title: string,
  queries: Query[],
  look: Look & { columns: Column[]; transformations?: DataTransformerConfig[] },
) => {
  // Where there is one query alone, Grafana does not number its values.
  const columns = look.columns.flatMap((column) =>
    column.field === "Value #A" ? [column, { ...column, field: "Value" }] : [column],
  );
  const shown = columns.map(({ field }) => field);
  const panel = new Table().filterable(true).transformations([
    { id: "merge", options: {} },
    ...(look.transformations ?? []),
    { id: "filterFieldsByName", options: { include: { names: shown } } },
    {
      id: "organize",
      options: {
        indexByName: Object.fromEntries(shown.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(columns.map(({ field, heading }) => [field, heading])),
      },
    },
  ]);
  for (const { heading, unit, opens } of look.columns) {
    if (unit) panel.overrideByName(heading, [{ id: "unit", value: unit }]);
    if (opens) {
      const url = `/d/${opens.uid}?var-${opens.variable}=\${__value.raw}&\${__url_time_range}`;
      panel.overrideByName(heading, [{ id: "links", value: [{ title: "Show it", url }] }]);
    }
  }
  return dressed(
    panel,
    title,
    "none",
    queries.map((query) => ({ ...query, instant: true })),
    { width: 24, height: 8, ...look },
  );
};

/** A band for each series that changes colour with its value. */
export const states = (title: string, unit: string, queries: Query[], look: Look = {}) =>
  dressed(new StateTimeline().fillOpacity(80).showValue(VisibilityMode.Never), title, unit, queries, look);

/** Lines of logs, newest first. */
export const logLines = (title: string, queries: Query[], look: Look = {}) =>
  dressed(
    new Logs().showTime(true).wrapLogMessage(true).enableLogDetails(true).sortOrder(LogsSortOrder.Descending),
    title,
    "none",
    queries,
    { width: 24, height: 9, ...look },
  );

/** Traces that a TraceQL query finds; a click opens one. */
export const traceList = (title: string, queries: Query[], look: Look = {}) =>
  dressed(new Table(), title, "none", queries, { width: 24, height: 9, ...look });

/** Who calls whom, as Tempo draws it from those metrics of the service graph that have `labels`. */
export const serviceMap = (title: string, source: Source, labels: string, look: Look = {}): Placed => {
  const panel = new NodeGraph()
    .title(title)
    .unit("none")
    .datasource(reference(source))
    .withTarget(
      new TempoQuery()
        .datasource(reference(source))
        .refId("A")
        .queryType("serviceMap")
        .serviceMapQuery(`{${labels}}`),
    );
  if (look.description) panel.description(look.description);
  return { width: look.width ?? 24, height: look.height ?? 12, panel };
};
