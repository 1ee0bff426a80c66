/** A dashboard from its purpose, its variables and its rows; where each panel stands follows from their order. */
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Dashboard as Model,
  RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Text, TextMode } from "@grafana/grafana-foundation-sdk/text";
import type { Placed } from "./look";
import {
  type ComputedVariable,
  computedVariable,
  type LabelVariable,
  labelVariable,
  type Source,
  sourceVariable,
} from "./sources";

/** Panels under a heading. */
export interface Row {
  title: string;
  panels: Placed[];
}

/** What a dashboard is. */
export interface Dashboard {
  /** Part of its address; other dashboards and alerts link to it. 40 characters at most. */
  uid: string;
  title: string;
  /** One or two sentences: whom it helps, and with which question. */
  purpose: string;
  tags: string[];
  /** Where it reads. */
  sources: Source[];
  variables: LabelVariable[];
  /** Variables that follow from the range looked at. */
  computed?: ComputedVariable[];
  /** Dashboards to go on to: `{ uid: title }`. */
  next: Record<string, string>;
  /** Alerts whose runbook pages belong to it. */
  runbooks: string[];
  rows: Row[];
  /** How far back it looks. @default "now-1h" */
  from?: string;
}

/** Address of an alert's runbook page, which Grafana shows as a dashboard. */
export const runbookUid = (alert: string): string => `runbook-${alert.toLowerCase()}`.slice(0, 40);

const link = (title: string, uid: string, icon: string) =>
  new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .icon(icon)
    .url(`/d/${uid}`)
    .tooltip("")
    .keepTime(icon === "dashboard")
    .includeVars(icon === "dashboard");

/** Width of a dashboard. */
const columns = 24;

/** The dashboard as Grafana reads it. */
export function build(dashboard: Dashboard): Model {
  const builder = new DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.purpose)
    .tags(["observability", ...dashboard.tags])
    .timezone("browser")
    .time({ from: dashboard.from ?? "now-1h", to: "now" })
    .refresh("1m")
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([
      ...dashboard.sources.map(sourceVariable),
      ...(dashboard.computed ?? []).map(computedVariable),
      ...dashboard.variables.map(labelVariable),
    ])
    .links([
      ...Object.entries(dashboard.next).map(([uid, title]) => link(title, uid, "dashboard")),
      ...dashboard.runbooks.map((alert) => link(`Runbook: ${alert}`, runbookUid(alert), "doc")),
    ])
    .withPanel(
      new Text()
        .id(1)
        .title("What this shows")
        .mode(TextMode.Markdown)
        .content(dashboard.purpose)
        .gridPos({ x: 0, y: 0, w: columns, h: 3 }),
    );
  let y = 3;
  let id = 1;
  for (const { title, panels } of dashboard.rows) {
    id += 1;
    builder.withRow(new RowBuilder(title).id(id).gridPos({ x: 0, y, w: columns, h: 1 }));
    y += 1;
    let x = 0;
    let height = 0;
    for (const { width, height: h, panel } of panels) {
      if (x + width > columns) {
        y += height;
        x = 0;
        height = 0;
      }
      id += 1;
      builder.withPanel(panel.id(id).gridPos({ x, y, w: width, h }));
      x += width;
      height = Math.max(height, h);
    }
    y += height;
  }
  const model = builder.build();
  // The SDK puts links into a menu of their own; here they are what one clicks next.
  return { ...model, links: (model.links ?? []).map(({ placement, ...shown }) => shown) };
}
