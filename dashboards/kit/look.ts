/** What panels of every kind have: title, unit, size, thresholds, words for numbers. */
import type { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import {
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

/** What panels have in common. */
export interface Look {
  /** Columns of the 24 that a dashboard has. @default 8 */
  width?: number;
  /** Height in Grafana's units of 30 pixels. @default 7 */
  height?: number;
  /** What the panel means and what to do about it; shown at the title. */
  description?: string;
  /** Values from which on it is yellow and red; with `red` below `yellow` less is worse. */
  thresholds?: { yellow: number; red: number };
  /** Lower and upper end of the scale. */
  min?: number;
  max?: number;
  decimals?: number;
  /** Words that stand for numbers. */
  words?: Record<number, string>;
}

/** What all of the SDK's builders of panels can do. */
interface PanelBuilder extends cog.Builder<Panel> {
  id(id: number): PanelBuilder;
  gridPos(position: { x: number; y: number; w: number; h: number }): PanelBuilder;
}

/** A panel with its place: how many columns it takes and how high it is. */
export interface Placed {
  width: number;
  height: number;
  panel: PanelBuilder;
}

/** Green, and from these values on yellow and red. */
const thresholds = (look: Look) => {
  const { yellow, red } = look.thresholds ?? {};
  const steps =
    yellow === undefined || red === undefined
      ? [{ value: null, color: "green" }]
      : red < yellow
        ? [
            { value: null, color: "red" },
            { value: red, color: "yellow" },
            { value: yellow, color: "green" },
          ]
        : [
            { value: null, color: "green" },
            { value: yellow, color: "yellow" },
            { value: red, color: "red" },
          ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
};

type Common = Stat | TimeSeries | BarGauge | Table | PieChart | StateTimeline | Logs | NodeGraph;

/** Title, unit, queries and what `Look` says, on a panel of any kind. */
export function dressed(panel: Common, title: string, unit: string, queries: Query[], look: Look): Placed {
  const [first] = queries;
  if (!first) throw new Error(`panel ${title} has no query`);
  panel.title(title).unit(unit).datasource(reference(first.source)).thresholds(thresholds(look));
  if (look.description) panel.description(look.description);
  if (look.min !== undefined) panel.min(look.min);
  if (look.max !== undefined) panel.max(look.max);
  if (look.decimals !== undefined) panel.decimals(look.decimals);
  if (look.words) {
    const texts = Object.entries(look.words).map(([value, text]) => [value, { text }]);
    panel.mappings([{ type: MappingType.ValueToText, options: Object.fromEntries(texts) }]);
  }
  for (const [index, query] of queries.entries())
    panel.withTarget(target(query, index, panel instanceof Table));
  return { width: look.width ?? 8, height: look.height ?? 7, panel };
}
