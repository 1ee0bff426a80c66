/** Options of panels of every kind: title, unit, size, thresholds, links. */
import type { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import {
  type DashboardLink,
  MappingType,
  type Panel,
  SpecialValueMatch,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { PanelBuilder as Logs } from "@grafana/grafana-foundation-sdk/logs";
import type { PanelBuilder as NodeGraph } from "@grafana/grafana-foundation-sdk/nodegraph";
import type { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import type { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import { type Query, target } from "./queries";
import { reference } from "./sources";

/**
 * Drill-down of a number: a panel of the same dashboard by its title, or another dashboard with values of its
 * variables.
 */
export type Link = { panel: string } | { dashboard: string; variables?: Record<string, string> };

/**
 * Thresholds for yellow and red: `above` (or at) the values if less is better, `below` them if more is
 * better. A single value has no yellow.
 */
type Thresholds = { above: [number] | [number, number] } | { below: [number] | [number, number] };

/** Options of all panels. */
export interface Look {
  /** Width in grid columns, of 24. @default 8 */
  width?: number;
  /** Height in grid lines of 30 pixels. @default 7 */
  height?: number;
  /** Meaning of the panel and recommended action; shown as a tooltip at the title. */
  description?: string;
  thresholds?: Thresholds;
  /** Lower and upper end of the scale. */
  min?: number;
  max?: number;
  decimals?: number;
  /** Texts that replace numbers. */
  words?: Record<number, string>;
  /**
   * Text if there is no data: the missing data. @default log lines or traces for Loki and Tempo, else the
   * dashboard's text
   */
  none?: string;
  /** Target of a click on a value. */
  opens?: Link;
  /** Alert whose runbook the description links to. An icon of its own would leave less space for the title. */
  runbook?: string;
}

/** The interface that all panel builders of the SDK share. */
interface PanelBuilder extends cog.Builder<Panel> {
  id(id: number): PanelBuilder;
  gridPos(position: { x: number; y: number; w: number; h: number }): PanelBuilder;
  dataLinks(links: cog.Builder<DashboardLink>[]): PanelBuilder;
  noValue(text: string): PanelBuilder;
}

/** A panel with its title, its size, its drill-down, and its text without data. */
export interface Placed {
  title: string;
  width: number;
  height: number;
  panel: PanelBuilder;
  opens?: Link | undefined;
  none?: string | undefined;
}

/** UID of an alert's runbook page, which Grafana shows as a dashboard. */
export const runbookUid = (alert: string): string => `runbook-${alert.toLowerCase()}`.slice(0, 40);

/** The steps of Grafana's thresholds, from low to high. */
function steps(thresholds?: Thresholds): { value: number | null; color: string }[] {
  if (!thresholds) return [{ value: null, color: "green" }];
  if ("above" in thresholds) {
    const [first, second] = thresholds.above;
    if (second === undefined)
      return [
        { value: null, color: "green" },
        { value: first, color: "red" },
      ];
    return [
      { value: null, color: "green" },
      { value: first, color: "yellow" },
      { value: second, color: "red" },
    ];
  }
  const [first, second] = thresholds.below;
  if (second === undefined)
    return [
      { value: null, color: "red" },
      { value: first, color: "green" },
    ];
  return [
    { value: null, color: "red" },
    { value: second, color: "yellow" },
    { value: first, color: "green" },
  ];
}

type Common = Stat | TimeSeries | BarGauge | Table | Logs | NodeGraph;

/** The description of a panel, with a link to its runbook. */
const described = ({ description, runbook }: Look) =>
  [description, runbook && `[Runbook: ${runbook}](/d/${runbookUid(runbook)})`].filter(Boolean).join("\n\n");

/**
 * Decimals of percentages: enough for their thresholds, without the extra digits that Grafana adds to tiny
 * values.
 */
const percentDecimals = (thresholds?: Thresholds) =>
  Object.values(thresholds ?? {})
    .flat()
    .some((value) => value < 0.01 || (value > 0.99 && value < 1))
    ? 2
    : 1;

const words = (texts: Record<number, string>) =>
  Object.fromEntries(Object.entries(texts).map(([value, text]) => [value, { text }]));

/** Text if a query of this type of data source has no result; for metrics the dashboard's text applies. */
const noneOf: Record<string, string> = { loki: "No log lines", tempo: "No traces" };

/** Sets title, unit, queries and options of a panel of any kind. */
export function styled(panel: Common, title: string, unit: string, queries: Query[], look: Look): Placed {
  const [first] = queries;
  if (!first) throw new Error(`panel ${title} has no query`);
  panel
    .title(title)
    .unit(unit)
    .datasource(reference(first.source))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(look.thresholds)));
  if (described(look)) panel.description(described(look));
  if (look.min !== undefined) panel.min(look.min);
  if (look.max !== undefined) panel.max(look.max);
  const decimals = look.decimals ?? (unit === "percentunit" ? percentDecimals(look.thresholds) : undefined);
  if (decimals !== undefined) panel.decimals(decimals);
  panel.mappings([
    // The text for no data would otherwise have the color of zero, which is red if more is better.
    {
      type: MappingType.SpecialValue,
      options: { match: SpecialValueMatch.NullAndNan, result: { color: "text" } },
    },
    ...(look.words ? [{ type: MappingType.ValueToText as const, options: words(look.words) }] : []),
  ]);
  for (const [index, query] of queries.entries())
    panel.withTarget(target(query, index, panel instanceof Table));
  return {
    title,
    width: look.width ?? 8,
    height: look.height ?? 7,
    panel,
    opens: look.opens,
    none: look.none ?? noneOf[first.source.type],
  };
}
