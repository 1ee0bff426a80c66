/** A dashboard from its description, its variables, its key numbers and its rows; panel positions follow from their order. */
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  type Dashboard as Model,
  RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { Link, Placed } from "./look";
import {
  type ComputedVariable,
  computedVariable,
  type LabelVariable,
  labelVariable,
  longRange,
  reference,
  type Source,
  sourceVariable,
  textVariable,
} from "./sources";

/** Panels under a heading. */
export interface Row {
  title: string;
  panels: Placed[];
  /** Whether the row is closed until you open it. @default false */
  collapsed?: boolean;
}

/** A dashboard of the stack. */
export interface Dashboard {
  /** Part of its URL; other dashboards and alerts link to it. 40 characters at most. */
  uid: string;
  title: string;
  /** One or two sentences for the dashboard's description: its audience, and the question that it answers. */
  purpose: string;
  tags: string[];
  /** Text for panels without data that have no text of their own: the missing data. */
  none: string;
  /** Data sources that the dashboard reads; rollouts and alerts are annotated from the first Prometheus-compatible one. */
  sources: Source[];
  variables: LabelVariable[];
  /** Variables that depend on the time range. */
  computed?: ComputedVariable[];
  /** A text box: its variable and label. */
  search?: { name: string; label: string };
  /** The first row: at most six stats. */
  numbers: Placed[];
  rows: Row[];
  /** Start of the time range. @default "now-1h" */
  from?: string;
}

/** Tag of all dashboards in the drop-down menu. */
const menuTag = "observability";

/** Width of a dashboard in grid columns. */
const columns = 24;

/** Rollouts and firing alerts, as marks on every graph. */
const annotations = ({ sources }: Dashboard) => {
  const source = sources.find(({ type }) => type === "prometheus");
  if (!source || source === longRange) return [];
  const annotation = (name: string, color: string, expr: string, title: string, text: string) =>
    new AnnotationQueryBuilder()
      .name(name)
      .datasource(reference(source))
      .enable(true)
      .iconColor(color)
      .expr(expr)
      .step("60s")
      .titleFormat(title)
      .textFormat(text);
  return [
    annotation(
      "Rollouts",
      "blue",
      'changes(label_replace(kube_deployment_status_observed_generation{cluster=~"$cluster"}, "workload", "$1", "deployment", "(.+)")[2m:1m]) > 0 ' +
        'or changes(label_replace(kube_statefulset_status_observed_generation{cluster=~"$cluster"}, "workload", "$1", "statefulset", "(.+)")[2m:1m]) > 0',
      "Rollout",
      "{{namespace}}/{{workload}}",
    ),
    annotation(
      "Critical alerts",
      "red",
      'ALERTS{cluster=~"$cluster", alertstate="firing", severity="critical"}',
      "{{alertname}}",
      "{{namespace}}",
    ),
  ];
};

/** Panels from a grid line on, in rows of 24 columns: each with its position, and the first free line below them. */
function flow(panels: Placed[], from: number) {
  let x = 0;
  let y = from;
  let height = 0;
  const placed = panels.map((item) => {
    if (x + item.width > columns) {
      y += height;
      x = 0;
      height = 0;
    }
    const gridPos = { x, y, w: item.width, h: item.height };
    x += item.width;
    height = Math.max(height, item.height);
    return { item, gridPos };
  });
  return { placed, end: y + height };
}

/** URL of a drill-down: a panel of this dashboard, or another dashboard. */
function urlOf(link: Link, { uid, title }: Dashboard, ids: Map<string, number>): string {
  if ("panel" in link) {
    const id = ids.get(link.panel);
    if (!id) throw new Error(`dashboard ${title} has no panel "${link.panel}" to link to`);
    return `/d/${uid}?viewPanel=panel-${id}&\${__url_time_range}&\${__all_variables}`;
  }
  const variables = Object.entries(link.variables ?? {}).map(([name, value]) => `&var-${name}=${value}`);
  return `/d/${link.dashboard}?\${__url_time_range}&\${cluster:queryparam}${variables.join("")}`;
}

/** The dashboard in Grafana's JSON model. */
export function build(dashboard: Dashboard): Model {
  const { numbers, rows, search } = dashboard;
  const builder = new DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.purpose)
    .tags([menuTag, ...dashboard.tags])
    .timezone("browser")
    .time({ from: dashboard.from ?? "now-1h", to: "now" })
    .refresh("1m")
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([
      ...dashboard.sources.map(sourceVariable),
      ...(dashboard.computed ?? []).map(computedVariable),
      ...dashboard.variables.map(labelVariable),
      ...(search ? [textVariable(search)] : []),
    ])
    .annotations(annotations(dashboard))
    .links([
      new DashboardLinkBuilder("Dashboards")
        .type(DashboardLinkType.Dashboards)
        .icon("external link")
        .tooltip("")
        .tags([menuTag])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    ]);
  const ids = new Map(
    [...numbers, ...rows.flatMap(({ panels }) => panels)].map(({ title }, i) => [title, i + 1]),
  );
  const finished = ({ item, gridPos }: ReturnType<typeof flow>["placed"][number]) => {
    const { opens, panel, title, none = dashboard.none } = item;
    panel.noValue(none);
    if (opens) panel.dataLinks([linkTo("Explain", urlOf(opens, dashboard, ids))]);
    return panel.id(ids.get(title) ?? 0).gridPos(gridPos);
  };
  const first = flow(numbers, 0);
  for (const panel of first.placed.map(finished)) builder.withPanel(panel);
  let y = first.end;
  for (const [index, { title, panels, collapsed = false }] of rows.entries()) {
    const row = new RowBuilder(title)
      .id(1000 + index)
      .collapsed(collapsed)
      .gridPos({ x: 0, y, w: columns, h: 1 });
    const { placed, end } = flow(panels, y + 1);
    const done = placed.map(finished);
    if (collapsed) for (const panel of done) row.withPanel(panel);
    builder.withRow(row);
    if (!collapsed) for (const panel of done) builder.withPanel(panel);
    y = collapsed ? y + 1 : end;
  }
  const model = builder.build();
  // The SDK hides links in the controls menu; without a placement Grafana shows them next to the variables.
  return { ...model, links: (model.links ?? []).map(({ placement, ...shown }) => shown) };
}

/** A link to a URL. */
const linkTo = (title: string, url: string) =>
  new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url);
