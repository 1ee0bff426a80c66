/** Options of panels of every kind: title, unit, size, thresholds, links. */
import type { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  MappingType,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { PanelBuilder as Logs } from "@grafana/grafana-foundation-sdk/logs";
import type { PanelBuilder as NodeGraph } from "@grafana/grafana-foundation-sdk/nodegraph";
import type { PanelBuilder as PieChart } from "@grafana/grafana-foundation-sdk/piechart";
import type { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import type { PanelBuilder as StateTimeline } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import type { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import { type Query, target } from "./queries";
import { reference } from "./sources";

/** What explains a number: a panel of the same dashboard by its title, or another dashboard with values of its variables. */
export type Link = { panel: string } | { dashboard: string; variables?: Record<string, string> };

/**
 * Where a number turns yellow and red: `above` (or at) the values if less is better, `below` them if more is better.
 * A single value has no yellow.
 */
export type Thresholds = { above: [number] | [number, number] } | { below: [number] | [number, number] };

/** Options of all panels. */
export interface Look {
  /** Width in grid columns, of 24. @default 8 */
  width?: number;
  /** Height in grid lines of 30 pixels. @default 7 */
  height?: number;
  /** What the panel means and what to do about it; shown as a tooltip at the title. */
  description?: string;
  thresholds?: Thresholds;
  /** Lower and upper end of the scale. */
  min?: number;
  max?: number;
  decimals?: number;
  /** Texts that replace numbers. */
  words?: Record<number, string>;
  /** Text if there is no data. */
  none?: string;
  /** What a click on a value opens. */
  opens?: Link;
  /** Alert whose runbook the panel links to. */
  runbook?: string;
}

/** What all panel builders of the SDK have in common. */
interface PanelBuilder extends cog.Builder<Panel> {
  id(id: number): PanelBuilder;
  gridPos(position: { x: number; y: number; w: number; h: number }): PanelBuilder;
  dataLinks(links: cog.Builder<DashboardLink>[]): PanelBuilder;
}

/** A panel with its title, its size and its drill-down. */
export interface Placed {
  title: string;
  width: number;
  height: number;
  panel: PanelBuilder;
  opens?: Link | undefined;
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

type Common = Stat | TimeSeries | BarGauge | Table | PieChart | StateTimeline | Logs | NodeGraph;

const runbookLink = (alert: string) =>
  new DashboardLinkBuilder(`Runbook: ${alert}`).type(DashboardLinkType.Link).url(`/d/${runbookUid(alert)}`);

/** Sets title, unit, queries and options of a panel of any kind. */
export function dressed(panel: Common, title: string, unit: string, queries: Query[], look: Look): Placed {
  const [first] = queries;
  if (!first) throw new Error(`panel ${title} has no query`);
  panel
    .title(title)
    .unit(unit)
    .datasource(reference(first.source))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(look.thresholds)));
  if (look.description) panel.description(look.description);
  if (look.min !== undefined) panel.min(look.min);
  if (look.max !== undefined) panel.max(look.max);
  if (look.none) panel.noValue(look.none);
  if (look.runbook) panel.links([runbookLink(look.runbook)]);
  if (look.decimals !== undefined) panel.decimals(look.decimals);
  if (look.words) {
    const texts = Object.entries(look.words).map(([value, text]) => [value, { text }]);
    panel.mappings([{ type: MappingType.ValueToText, options: Object.fromEntries(texts) }]);
  }
  for (const [index, query] of queries.entries())
    panel.withTarget(target(query, index, panel instanceof Table));
  return { title, width: look.width ?? 8, height: look.height ?? 7, panel, opens: look.opens };
}
