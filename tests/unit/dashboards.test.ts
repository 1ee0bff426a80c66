/** Rules for every dashboard, checked in the JSON that Grafana loads, with the metrics of a running stack. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
} from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as Heatmap } from "@grafana/grafana-foundation-sdk/heatmap";
import { PanelBuilder as Logs } from "@grafana/grafana-foundation-sdk/logs";
import { PanelBuilder as NodeGraph } from "@grafana/grafana-foundation-sdk/nodegraph";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import { expect } from "chai";
import { parse } from "yaml";
import { root } from "../../cli/lib/stack-config";
import { dashboards } from "../../dashboards";
import {
  build,
  clusterVariable,
  type Dashboard,
  logLines,
  logs,
  longRange,
  metrics,
  mixed,
  of,
  reason,
  runbookUid,
  serviceMap,
  stat,
  table,
  timeSeries,
  traceList,
  traces,
  watcher,
} from "../../dashboards/kit";
import { objectives } from "../../dashboards/slo";
import { groupings, type Language, mistakes, rateRanges, selectors } from "../support/queries";

// biome-ignore lint/suspicious/noExplicitAny: a dashboard's JSON is read deeply
type Json = any;

/** A query of a dashboard, and its location. */
interface Query {
  /** `uid / title of the panel`, or the variable with the query. */
  place: string;
  /** Kind of the panel; undefined for a variable. */
  panel?: string;
  language: Language;
  /** Variable of the dashboard for the data source. */
  source: string;
  expr: string;
}

/** A violation, and its location: `uid / panel`. */
interface Complaint {
  place: string;
  what: string;
}

/** A rule about a dashboard, which may consider the others. */
type Rule = (dashboard: Dashboard, all: Dashboard[]) => Complaint[];

const models = new Map<Dashboard, Json>();
/** The dashboard's JSON. */
function modelOf(dashboard: Dashboard): Json {
  const made = models.get(dashboard) ?? build(dashboard);
  models.set(dashboard, made);
  return made;
}

/** All panels, including those in collapsed rows. */
const panelsOf = (dashboard: Dashboard): Json[] =>
  modelOf(dashboard).panels.flatMap((panel: Json) => [panel, ...(panel.panels ?? [])]);
const placeOf = (dashboard: Dashboard, panel: Json) => `${dashboard.uid} / ${panel.title}`;

/** Every query of panels, and of variables that query values of a label. */
function queriesOf(dashboard: Dashboard): Query[] {
  const variable = (reference: string) => reference.replace(/^\$\{(\w+)\}$/, "$1");
  const ofPanels = panelsOf(dashboard).flatMap((panel) =>
    (panel.targets ?? []).map(({ datasource, expr, query, serviceMapQuery }: Json) => ({
      place: placeOf(dashboard, panel),
      panel: panel.type,
      // The service map uses series that Tempo queries from its metrics data source.
      language: serviceMapQuery ? "prometheus" : datasource.type,
      source: serviceMapQuery ? metrics.variable : variable(datasource.uid),
      expr: serviceMapQuery ?? expr ?? query ?? "",
    })),
  );
  const ofVariables = dashboard.variables
    .filter(({ source }) => source.type === "prometheus")
    .map(({ name, source, series, of: label = name }) => ({
      place: `${dashboard.uid} / variable ${name}`,
      language: "prometheus" as const,
      source: source.variable,
      expr: `group by (${label}) (${series})`,
    }));
  return [...ofPanels, ...ofVariables];
}

const promqlOf = (dashboard: Dashboard) =>
  queriesOf(dashboard).filter(({ language }) => language === "prometheus");

/** Other dashboards link to it by its UID, of which Grafana accepts 40 characters. */
const uidIsAnAddress: Rule = ({ uid }, all) => [
  ...(/^[a-z0-9-]{1,40}$/.test(uid) ? [] : [{ place: uid, what: "not 1 to 40 of a-z, 0-9 and -" }]),
  ...(all.filter((other) => other.uid === uid).length > 1 ? [{ place: uid, what: "not the only one" }] : []),
];

/** In a list of dashboards, the description explains the purpose. */
const saysWhatItIsFor: Rule = ({ uid, title, purpose, tags }) => [
  ...(title ? [] : [{ place: uid, what: "no title" }]),
  ...(/\w{3,}.*[.?]$/s.test(purpose) ? [] : [{ place: uid, what: "no purpose in a sentence" }]),
  ...(tags.length ? [] : [{ place: uid, what: "no tags" }]),
];

/** Text, log lines and the service map have no single unit. */
const unitless = ["row", "text", "logs", "nodeGraph"];

/** A number without a unit is ambiguous. */
const panelsHaveTitleAndUnit: Rule = (dashboard) =>
  panelsOf(dashboard).flatMap((panel) => [
    ...(panel.title ? [] : [{ place: placeOf(dashboard, panel), what: "no title" }]),
    ...(unitless.includes(panel.type) || panel.fieldConfig?.defaults.unit
      ? []
      : [{ place: placeOf(dashboard, panel), what: "no unit" }]),
  ]);

/**
 * Panels by page: Grafana moves the rows below when you open a collapsed one, so each collapsed row is a page of its
 * own.
 */
const pagesOf = (dashboard: Dashboard): Json[][] => [
  modelOf(dashboard).panels,
  ...modelOf(dashboard).panels.map(({ panels = [] }: Json) => panels),
];

/** Panels neither overlap nor exceed the width. */
const panelsDoNotOverlap: Rule = (dashboard) =>
  pagesOf(dashboard).flatMap((page) =>
    page.flatMap((panel, index, all) => {
      const { x, y, w, h } = panel.gridPos;
      const over = all
        .slice(index + 1)
        .filter(
          ({ gridPos: other }: Json) =>
            x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h,
        );
      return [
        ...over.map(({ title }: Json) => ({ place: placeOf(dashboard, panel), what: `lies over ${title}` })),
        ...(x + w > 24 ? [{ place: placeOf(dashboard, panel), what: "wider than the dashboard" }] : []),
      ];
    }),
  );

/** One Grafana can show several stacks: a variable selects one. */
const sourcesAreVariables: Rule = (dashboard) => {
  const chosen = dashboard.sources.map(({ variable }) => `\${${variable}}`);
  return (
    panelsOf(dashboard)
      .flatMap((panel) => [panel, ...(panel.targets ?? [])].map(({ datasource }) => ({ panel, datasource })))
      // The queries of a mixed panel name their sources.
      .filter(({ panel, datasource }) => datasource !== panel.datasource || datasource?.uid !== mixed.uid)
      .filter(({ datasource }) => datasource && !chosen.includes(datasource.uid))
      .map(({ panel, datasource }) => ({
        place: placeOf(dashboard, panel),
        what: `reads ${datasource.uid}, which is no source of the dashboard`,
      }))
  );
};

/** Kinds of panels that show one number of each series, which may be of the whole time range. */
const oneNumber = ["stat", "table", "bargauge"];

/** A rate over a range shorter than two scrapes is empty, and a longer one hides short events. */
const ratesHaveGrafanasInterval: Rule = (dashboard) =>
  promqlOf(dashboard).flatMap(({ place, panel = "", expr }) =>
    rateRanges(expr)
      .filter((range) => range !== "$__rate_interval" && !(range === "$__range" && oneNumber.includes(panel)))
      .map((range) => ({ place, what: `a rate over ${range}` })),
  );

/** Several clusters may write to one Mimir. */
const selectorsNameTheCluster: Rule = (dashboard) =>
  promqlOf(dashboard)
    .filter(({ place }) => place !== `${dashboard.uid} / variable cluster`)
    .flatMap(({ place, expr }) =>
      selectors(expr)
        .filter(({ matchers }) => !matchers.includes('cluster=~"$cluster"'))
        .map(({ metric, matchers }) => ({
          place,
          what: `${metric ?? matchers.join()} without cluster=~"$cluster"`,
        })),
    );

/** Series in Prometheus have no cluster label: panels that query them are empty if one of Mimir's clusters is selected. */
const offersClustersOfItsSources: Rule = ({ uid, sources, variables }) =>
  sources.includes(watcher) && variables.some(({ name, source }) => name === "cluster" && source !== watcher)
    ? [{ place: uid, what: "offers clusters that Prometheus does not have" }]
    : [];

const runbookPages = readdirSync(join(root, "docs", "operations", "runbooks"))
  .filter((file) => file.endsWith(".md"))
  .map((file) => runbookUid(file.replace(".md", "")));

/** Links lead to dashboards, panels and runbooks that exist. */
const linksLeadToDashboards: Rule = (dashboard, all) => {
  const known = new Map(all.map((other) => [other.uid, panelsOf(other).map(({ id }) => String(id))]));
  return [
    ...JSON.stringify(modelOf(dashboard)).matchAll(/"\/d\/([^"?/]+)(?:\?viewPanel=panel-(\d+))?/g),
  ].flatMap(([, uid = "", panel]) => {
    if (runbookPages.includes(uid)) return [];
    const panels = known.get(uid);
    return panels && (!panel || panels.includes(panel))
      ? []
      : [{ place: dashboard.uid, what: `links to ${uid} ${panel ?? ""}, which does not exist` }];
  });
};

/** Names of all alerts of this project. */
const alerts = new Set(
  readdirSync(join(root, "alerts"))
    .filter((file) => /(?<!\.test)\.yaml$/.test(file))
    .flatMap((file) => parse(readFileSync(join(root, "alerts", file), "utf8")).groups)
    .flatMap(({ rules: all }: Json) => all.map(({ alert }: Json) => alert)),
);

/** Runbooks on panels belong to alerts of this project. */
const runbooksAreWritten: Rule = (dashboard) =>
  panelsOf(dashboard).flatMap((panel) =>
    [...(panel.description ?? "").matchAll(/\[Runbook: (\w+)\]/g)]
      .map(([, alert = ""]) => alert)
      .filter((alert) => !alerts.has(alert))
      .map((alert) => ({ place: placeOf(dashboard, panel), what: `no alert ${alert} in alerts/` })),
  );

const isRow = ({ type }: Json) => type === "row";

/** Characters of titles (Inter, medium, 14 pixels) by their width in pixels, as Chromium measures it. */
const characters: [number, string][] = [
  [3.6, " ijlI"],
  [4.4, ",.:!';t`"],
  [5.1, "f|\\()[]/"],
  [5.7, "r1"],
  [6.5, "{}^_-"],
  [7.4, '"s?*'],
  [8, "akvxzLJcy"],
  [8.4, "ehnuEF7"],
  [8.7, "bdgopq23456789"],
  [9.1, "0BPRSTZ#$&"],
  [9.5, "K+<=>~"],
  [10.1, "ACDVXY"],
  [10.6, "GHNOQU"],
  [11.6, "w"],
  [12.6, "mM"],
  [14.4, "@%W"],
];
const letterSpacing = 0.15;
/** Kerning makes pairs of characters a little narrower. */
const kerning = 0.985;

const widthOf = (title: string) =>
  [...title].reduce((sum, character) => {
    const [width] = characters.find(([, some]) => some.includes(character)) ?? [];
    if (!width) throw new Error(`no width for "${character}" in the title ${title}`);
    return sum + width + letterSpacing;
  }, 0) * kerning;

/** Pixels of a panel's header that a title cannot use: borders and the menu, and each icon (description, links). */
const header = { around: 68, icon: 32 };

/** Width of a panel of some grid columns on a screen of 1440 pixels, in Grafana's kiosk mode; 8 are between panels. */
const panelWidth = (columns: number) => ((1440 - 2 * 16 + 8) / 24) * columns - 8;

/** A title fits its panel on a screen of 1440 pixels next to its icons, so that Grafana does not truncate it. */
const titlesFit: Rule = (dashboard) =>
  panelsOf(dashboard)
    .filter((panel) => !isRow(panel))
    .flatMap((panel) => {
      const icons = [panel.description, panel.links?.length].filter(Boolean).length;
      const room = panelWidth(panel.gridPos.w) - header.around - icons * header.icon;
      const needed = Math.ceil(widthOf(panel.title));
      return needed <= room
        ? []
        : [{ place: placeOf(dashboard, panel), what: `title of ${needed} pixels, room for ${room}` }];
    });

/** The lines of panels of a page: those at the same height. */
function linesOf(panels: Json[]): Json[][] {
  const lines = new Map<number, Json[]>();
  for (const panel of panels.filter((each) => !isRow(each)))
    lines.set(panel.gridPos.y, [...(lines.get(panel.gridPos.y) ?? []), panel]);
  return [...lines.values()];
}

/** A line without a gap: its panels fill the dashboard's width, and have the same height. */
const linesAreFull: Rule = (dashboard) =>
  pagesOf(dashboard)
    .flatMap(linesOf)
    .flatMap((line) => {
      const width = line.reduce((sum, { gridPos }) => sum + gridPos.w, 0);
      const heights = [...new Set(line.map(({ gridPos }) => gridPos.h))];
      const place = `${dashboard.uid} / ${line.map(({ title }) => title).join(", ")}`;
      return [
        ...(width === 24 ? [] : [{ place, what: `${width} of 24 columns` }]),
        ...(heights.length === 1 ? [] : [{ place, what: `heights ${heights}` }]),
      ];
    });

/** Types of panels that show the text for no data if their queries return nothing. */
const showsNoValue = ["stat", "timeseries", "bargauge"];

/** The last transformation turns a table without rows into no table. Grafana shows the text for no data only then. */
const dropsEmptyTables = ({ transformations = [] }: Json) =>
  transformations.at(-1)?.id === "partitionByValues" &&
  transformations.some(
    ({ id, options }: Json) =>
      id === "calculateField" && options.alias === transformations.at(-1).options.fields[0],
  );

/** The text that a query returns if the panel's others have no data. */
function reasonInQuery({ type, targets }: Json): string | undefined {
  const queries: Json[] = targets.filter(({ refId }: Json) => refId === reason);
  const others: Json[] = targets.filter(({ refId }: Json) => refId !== reason);
  const [text] = queries.flatMap(({ expr }) => /"(?:body|title)", "([^"]*)"/.exec(expr)?.[1] ?? []);
  const covered = others.every(({ expr, serviceMapQuery }) =>
    queries.some((query) => query.expr.includes(expr ?? serviceMapQuery)),
  );
  // The node graph draws the first nodes that it gets.
  return covered && (type !== "nodeGraph" || targets[0] === queries[0]) ? text : undefined;
}

/** The text of a panel without data, if Grafana shows it in a panel of this type. */
function reasonOf(panel: Json): string | undefined {
  const { type, fieldConfig } = panel;
  if (type === "logs" || type === "nodeGraph") return reasonInQuery(panel);
  const shown = showsNoValue.includes(type) || (type === "table" && dropsEmptyTables(panel));
  return shown ? fieldConfig?.defaults.noValue : undefined;
}

/** A panel without data shows the kind of missing data. */
const emptyPanelsHaveAReason: Rule = (dashboard) =>
  panelsOf(dashboard)
    .filter((panel) => !isRow(panel))
    .filter((panel) => /^(no data)?$/i.test(reasonOf(panel) ?? ""))
    .map((panel) => ({ place: placeOf(dashboard, panel), what: "no text for no data" }));

/** Thresholds are lines: an area would fill the whole graph if its axis is far from them. */
const thresholdsAreLines: Rule = (dashboard) =>
  panelsOf(dashboard)
    .filter(({ fieldConfig }) => /area/.test(fieldConfig?.defaults.custom?.thresholdsStyle?.mode ?? ""))
    .map((panel) => ({ place: placeOf(dashboard, panel), what: "thresholds as areas" }));

/** Two panels of a dashboard never have the same title. */
const titlesDiffer: Rule = (dashboard) => {
  const titles = panelsOf(dashboard)
    .filter((panel) => !isRow(panel))
    .map(({ title }) => title);
  return titles
    .filter((title, index) => titles.indexOf(title) !== index)
    .map((title) => ({ place: `${dashboard.uid} / ${title}`, what: "title used twice" }));
};

/** The first row is one to six stats in one line, each with a drill-down; text comes later. */
const beginsWithNumbers: Rule = (dashboard) => {
  const panels: Json[] = modelOf(dashboard).panels;
  const numbers = panels.slice(0, panels.findIndex(isRow));
  return [
    ...(numbers.length >= 1 && numbers.length <= 6
      ? []
      : [{ place: dashboard.uid, what: `${numbers.length} key numbers` }]),
    ...numbers
      .filter(({ type, gridPos }) => type !== "stat" || gridPos.y !== 0)
      .map((panel) => ({ place: placeOf(dashboard, panel), what: "no stat in the first line" })),
    ...numbers
      .filter(({ fieldConfig }) => !fieldConfig.defaults.links?.length)
      .map((panel) => ({ place: placeOf(dashboard, panel), what: "no drill-down" })),
  ];
};

/** Titles of panels for which more is better. */
const moreIsBetter =
  /\b(ready|up|running|success|hit ratio|ingestion rate|watchdog|until full|budget|ingested)\b/i;

/** The color of a value, as Grafana determines it. */
const colorOf = (steps: Json[], value: number): string =>
  steps.filter((step) => step.value === null || step.value <= value).at(-1)?.color;

/** Thresholds ascend in the right direction: zero is red if more is better, and green otherwise. */
const thresholdsGoTheRightWay: Rule = (dashboard) =>
  panelsOf(dashboard).flatMap((panel) => {
    const steps: Json[] = panel.fieldConfig?.defaults.thresholds?.steps ?? [];
    if (steps.length < 2) return [];
    const ascends = steps.every(
      ({ value }, index) => index === 0 || value > (steps[index - 1].value ?? -Infinity),
    );
    const good = moreIsBetter.test(panel.title);
    const [low, high] = [colorOf(steps, -1), colorOf(steps, Number.MAX_SAFE_INTEGER)];
    return [
      ...(ascends ? [] : ["thresholds do not ascend"]),
      ...(low === (good ? "red" : "green") && high === (good ? "green" : "red")
        ? []
        : [`low is ${low} and high is ${high}`]),
    ].map((what) => ({ place: placeOf(dashboard, panel), what }));
  });

/** Units of Grafana and of the kit; Grafana would display a typing error as a unit. */
const units =
  /^(none|short|s|µs|bytes|Bps|percentunit|reqps|ops|pps|iops|bool_yes_no|suffix:(cores|x)|count:(lines|samples|spans|rows|chunks|blocks|errors|tx)\/s)$/;

const unitsAreKnown: Rule = (dashboard) =>
  panelsOf(dashboard)
    .flatMap((panel) => [
      { panel, unit: panel.fieldConfig?.defaults.unit },
      ...(panel.fieldConfig?.overrides ?? [])
        .flatMap(({ properties }: Json) => properties)
        .filter(({ id }: Json) => id === "unit")
        .map(({ value }: Json) => ({ panel, unit: value })),
    ])
    .filter(({ unit }) => unit && !units.test(unit))
    .map(({ panel, unit }) => ({ place: placeOf(dashboard, panel), what: `unknown unit ${unit}` }));

/** A ratio of rates, or a quantile, without events has no value instead of NaN. */
const ratiosHaveNoNaN: Rule = (dashboard) =>
  promqlOf(dashboard).flatMap(({ place, expr }) => [
    ...(/\) \/ sum[^/]*(rate|increase)\((?![^/]*> 0)/.test(expr)
      ? [{ place, what: `0 / 0 in ${expr}` }]
      : []),
    ...((expr.match(/histogram_quantile\(/g) ?? []).length > (expr.match(/>= 0/g) ?? []).length
      ? [{ place, what: `a quantile that can be NaN in ${expr}` }]
      : []),
  ]);

/** An invalid query is an error in Grafana instead of a panel. */
const queriesParse: Rule = (dashboard) =>
  queriesOf(dashboard).flatMap(({ place, language, expr }) =>
    mistakes(language, expr).map((what) => ({ place, what: `${what} in ${expr}` })),
  );

type Recorded = Record<string, Record<string, string[]>>;
/** Metrics and their labels of a running stack; `npm run record:metrics` writes them. */
const recorded: Recorded = JSON.parse(readFileSync(join(root, "tests", "recorded", "metrics.json"), "utf8"));

/** Metrics that a stack has only after certain events, or with components that the recorded one did not have. */
const notAlways: { metrics: RegExp; why: string }[] = [
  { metrics: /^kube_pod_container_status_waiting_reason$/, why: "only while a container waits" },
  {
    metrics: /^container_cpu_cfs_(throttled_)?periods_total$/,
    why: "only of containers with a limit of CPU; the stack's own have none",
  },
  {
    metrics: /^kubelet_volume_stats_/,
    why: "only of volumes whose driver measures them; local paths are not measured",
  },
  { metrics: /^pg_stat_checkpointer_/, why: "only of PostgreSQL 17 and later" },
  { metrics: /^pg_(stat_replication|replication_slots)_/, why: "only where PostgreSQL has replicas" },
  { metrics: /^(loki|cortex)_discarded_samples_total$/, why: "only once something was refused" },
  {
    metrics: /^otelcol_exporter_(send|enqueue)_failed_(spans|log_records)_total$/,
    why: "only once some were dropped",
  },
  {
    metrics: /^http_client_request_duration_seconds_count$/,
    why: "only once an exporter has sent something",
  },
  {
    metrics:
      /^(loki_ingester_wal_corruptions|tempo_distributor_ingester_append_failures|tempodb_blocklist_poll_errors|minio_s3_requests_5xx_errors)_total$/,
    why: "only after the first failure",
  },
  {
    metrics:
      /^(cortex_bucket_(blocks_count|index_estimated_compaction_jobs)|tempodb_compaction_objects_written_total)$/,
    why: "only after a compactor's first round",
  },
  {
    metrics: /^cortex_(prometheus_rule|alertmanager)_/,
    why: "only of tenants with rules for Mimir's ruler, and once these have sent alerts",
  },
  {
    metrics: /^kube_horizontalpodautoscaler_(spec|status)_(min|max|current|desired)_replicas$/,
    why: "only with autoscalers; kube-prometheus-stack's own alerts read them",
  },
  { metrics: /^observability:/, why: "recorded by alerts/objectives.yaml" },
  { metrics: /^probe_ssl_earliest_cert_expiry$/, why: "only with network.tls or grafana.ingress" },
  { metrics: /^observability:client_certificate:expiry$/, why: "only of agents" },
  { metrics: /^ALERTS$/, why: "in Mimir only while an alert of its ruler waits or fires" },
];

/** A missing metric or label makes a panel empty without any error. */
const metricsAreThere: Rule = (dashboard) =>
  promqlOf(dashboard).flatMap(({ place, source, expr }) => {
    const inMimir = source === metrics.variable || source === longRange.variable;
    const known = recorded[inMimir ? "mimir" : "prometheus"] ?? {};
    const excused = (metric: string) => notAlways.some(({ metrics: some }) => some.test(metric));
    // Prometheus adds the cluster's name to series that it sends to Mimir, which adds their tenant.
    const has = (metric: string, label: string) =>
      label === "cluster" || (inMimir && label === "__tenant_id__") || known[metric]?.includes(label);
    const named = selectors(expr).flatMap(({ metric, labels }) =>
      !metric || excused(metric)
        ? []
        : known[metric]
          ? labels.filter((label) => !has(metric, label)).map((label) => `${metric} has no label ${label}`)
          : [`there is no ${metric}`],
    );
    const grouped = groupings(expr).flatMap(({ labels, metrics: among }) =>
      // An unknown metric may have any label.
      among.some((metric) => !metric || excused(metric) || !known[metric])
        ? []
        : labels
            .filter((label) => !among.some((metric) => metric && has(metric, label)))
            .map((label) => `none of ${[...new Set(among)].join(", ")} has the label ${label}`),
    );
    return [...named, ...grouped].map((what) => ({ place, what: `${what}: it would be empty` }));
  });

/** With several clusters, a number that is grouped by cluster would be several numbers without names. */
const numbersAreOne: Rule = (dashboard) =>
  panelsOf(dashboard)
    .filter(({ type }) => type === "stat")
    .flatMap((panel) =>
      (panel.targets ?? [])
        .filter(
          ({ expr = "", legendFormat = "" }: Json) =>
            !legendFormat.includes("{{") &&
            /^\(*(histogram_quantile\([\d.]+, )?\w+ by \((?!(le)?\))/.test(expr),
        )
        .map(() => ({ place: placeOf(dashboard, panel), what: "one value of each group, without its name" })),
    );

const rules: Record<string, Rule> = {
  "has a uid of its own": uidIsAnAddress,
  "says what it is for": saysWhatItIsFor,
  "has panels with title and unit": panelsHaveTitleAndUnit,
  "has panels that do not overlap": panelsDoNotOverlap,
  "reads sources that can be chosen": sourcesAreVariables,
  "takes rates over Grafana's interval": ratesHaveGrafanasInterval,
  "names the cluster in every selector": selectorsNameTheCluster,
  "offers clusters that all its panels have": offersClustersOfItsSources,
  "links to dashboards that exist": linksLeadToDashboards,
  "links to runbooks of alerts that exist": runbooksAreWritten,
  "has titles that fit their panels": titlesFit,
  "fills its lines": linesAreFull,
  "says what is absent": emptyPanelsHaveAReason,
  "shows thresholds as lines": thresholdsAreLines,
  "has no title twice": titlesDiffer,
  "begins with at most six key numbers": beginsWithNumbers,
  "has one value in each number": numbersAreOne,
  "has thresholds in the right direction": thresholdsGoTheRightWay,
  "has known units": unitsAreKnown,
  "has no NaN": ratiosHaveNoNaN,
  "has queries that can be parsed": queriesParse,
  "asks for metrics and labels that a stack has": metricsAreThere,
};

/** Exceptions by rule and location, with the reason. */
const exceptions: Record<string, Record<string, string>> = {};

const asText = ({ place, what }: Complaint) => `${place}: ${what}`;

const all = Object.values(dashboards).flat();

describe("unit: dashboards", () => {
  for (const [name, rule] of Object.entries(rules))
    it(`each ${name}`, () => {
      const excused = exceptions[name] ?? {};
      const complaints = all.flatMap((dashboard) => rule(dashboard, all));
      expect(complaints.filter(({ place }) => !(place in excused)).map(asText)).to.deep.equal([]);
      expect(Object.keys(excused), "exceptions that are not needed").to.deep.equal(
        Object.keys(excused).filter((place) => complaints.some((complaint) => complaint.place === place)),
      );
    });

  it("are numerous, with many queries in each language", () => {
    const languages = all.flatMap(queriesOf).map(({ language }) => language);
    expect(all.length).to.be.at.least(12);
    for (const [language, count] of Object.entries({ prometheus: 200, loki: 5, tempo: 3 }))
      expect(languages.filter((each) => each === language).length, language).to.be.at.least(count);
  });
});

describe("unit: SLO dashboard", () => {
  it("has the error budgets of the burn-rate alerts", () => {
    const text = readFileSync(join(root, "alerts", "objectives.yaml"), "utf8");
    for (const [name, { budget }] of Object.entries(objectives)) {
      const budgets = [...text.matchAll(new RegExp(`objective="${name}"} > [\\d.]+ \\* ([\\d.]+)`, "g"))];
      expect(budgets.length, name).to.be.at.least(8);
      expect([...new Set(budgets.map(([, value]) => Number(value)))], name).to.deep.equal([budget]);
    }
  });
});

describe("unit: data loss on the dashboard of stack health", () => {
  const stats = panelsOf(dashboards["Observability"]?.find(({ uid }) => uid === "stack-health") as Dashboard);
  for (const title of ["Log data loss", "Metrics data loss", "Trace data loss"])
    it(`${title}: retried data is not lost, and never more than all is`, () => {
      const [{ expr } = { expr: "" }] = stats.find((panel) => panel.title === title)?.targets ?? [];
      expect(expr)
        .to.match(/^clamp_max\(/)
        .and.include('reason!~"rate_limited|per_stream_rate_limit"');
    });
});

describe("unit: age of samples", () => {
  it("ignores downsampled series, which are minutes old in a healthy stack", () => {
    const ages = all
      .flatMap(promqlOf)
      .filter(({ expr }) => /min\(max by \(user\) \(cortex_distributor_latest_seen/.test(expr));
    expect(ages).to.have.length(2);
    for (const { expr } of ages) expect(expr).to.include('user!~"rollup-5m|rollup-1h"');
  });
});

describe("unit: losses on the dashboard of Alloy", () => {
  const stats = panelsOf(dashboards["Observability"]?.find(({ uid }) => uid === "alloy") as Dashboard);
  for (const title of ["Dropped log lines", "Dropped samples", "Dropped spans"])
    it(`${title}: includes the first value of a counter, which begins with the first loss`, () => {
      const [{ expr } = { expr: "" }] = stats.find((panel) => panel.title === title)?.targets ?? [];
      const [, counter = "none"] = /increase\(([^[]+)\[\$__range\]\) > 0/.exec(expr) ?? [];
      expect(expr).to.include(`${counter} unless ${counter} offset $__range`);
    });
});

describe("unit: rules of dashboards", () => {
  const up = of(metrics, { up: 'up{cluster=~"$cluster"}' });
  const good: Dashboard = {
    uid: "good",
    title: "Good",
    purpose: "Is all well?",
    tags: ["test"],
    sources: [metrics, logs, traces],
    variables: [clusterVariable(metrics)],
    none: "No targets",
    numbers: [stat("Ready", "short", up, { opens: { panel: "Panel" }, width: 24 })],
    rows: [{ title: "Row", panels: [timeSeries("Panel", "short", up, { width: 24 })] }],
  };
  const asking = (expr: string): Dashboard => ({
    ...good,
    rows: [{ title: "Row", panels: [timeSeries("Panel", "short", of(metrics, { it: expr }))] }],
  });

  const panel = timeSeries("Panel", "short", up);
  const paintedByThresholds = new TimeSeries()
    .title("Panel")
    .unit("short")
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.DashedAndArea));

  /** Dashboards that break a rule, by its name. */
  const bad: Record<string, Dashboard[]> = {
    "has a uid of its own": [{ ...good, uid: "x".repeat(41) }],
    "says what it is for": [
      { ...good, title: "" },
      { ...good, purpose: "" },
      { ...good, tags: [] },
    ],
    "has panels with title and unit": [
      { ...good, rows: [{ title: "Row", panels: [timeSeries("Panel", "", up)] }] },
      {
        ...good,
        rows: [{ title: "Row", panels: [timeSeries("Panel", "short", up), stat("", "short", up)] }],
      },
    ],
    "has panels that do not overlap": [
      { ...good, rows: [{ title: "Row", panels: [timeSeries("Panel", "short", up, { width: 25 })] }] },
    ],
    "reads sources that can be chosen": [{ ...good, sources: [logs] }],
    "takes rates over Grafana's interval": [
      asking('sum(rate(up{cluster=~"$cluster"}[5m]))'),
      asking('increase(up{cluster=~"$cluster"}[$__range])'),
      asking('max_over_time(rate(up{cluster=~"$cluster"}[1m])[1h:1m])'),
    ],
    "has one value in each number": [
      {
        ...good,
        numbers: [stat("Ready", "short", of(metrics, { up: 'sum by (cluster) (up{cluster=~"$cluster"})' }))],
      },
    ],
    "names the cluster in every selector": [
      asking("up"),
      asking('up{cluster=~"$cluster"} / on (job) up{cluster="$cluster"}'),
    ],
    "offers clusters that all its panels have": [{ ...good, sources: [watcher, metrics] }],
    "links to dashboards that exist": [
      { ...good, numbers: [stat("Ready", "short", up, { opens: { dashboard: "missing" } })] },
      {
        ...good,
        numbers: [],
        rows: [
          {
            title: "Row",
            panels: [
              table("Table", up, {
                columns: [{ field: "job", heading: "Job", opens: { uid: "missing", variable: "job" } }],
              }),
            ],
          },
        ],
      },
    ],
    "links to runbooks of alerts that exist": [
      {
        ...good,
        rows: [{ title: "Row", panels: [timeSeries("Panel", "short", up, { runbook: "Missing" })] }],
      },
    ],
    "has titles that fit their panels": [
      {
        ...good,
        rows: [{ title: "Row", panels: [panel, stat("Notifications that could not be sent", "short", up)] }],
      },
      // 143 pixels: fits without an icon, and not with one.
      {
        ...good,
        rows: [
          {
            title: "Row",
            panels: [
              panel,
              stat("Block upload failures", "short", up, { runbook: "ObjectStorageUnreachable" }),
            ],
          },
        ],
      },
    ],
    "fills its lines": [
      { ...good, rows: [{ title: "Row", panels: [panel] }] },
      { ...good, numbers: [stat("Ready", "short", up, { opens: { panel: "Panel" } })] },
      {
        ...good,
        rows: [
          {
            title: "Row",
            panels: [
              timeSeries("Panel", "short", up, { width: 12 }),
              timeSeries("Higher", "short", up, { width: 12, height: 8 }),
            ],
          },
        ],
      },
    ],
    "says what is absent": [
      { ...good, none: "" },
      {
        ...good,
        rows: [{ title: "Row", panels: [timeSeries("Panel", "short", up, { none: "No data" })] }],
      },
      // Grafana ignores the text for no data in these.
      ...[new Table(), new Logs(), new NodeGraph(), new Heatmap()].map((silent) => ({
        ...good,
        rows: [{ title: "Row", panels: [panel, { ...panel, panel: silent.title("Silent").targets([]) }] }],
      })),
    ],
    "shows thresholds as lines": [
      {
        ...good,
        rows: [{ title: "Row", panels: [{ ...panel, panel: paintedByThresholds }] }],
      },
    ],
    "has no title twice": [{ ...good, rows: [{ title: "Row", panels: [panel, panel] }] }],
    "begins with at most six key numbers": [
      { ...good, numbers: [] },
      { ...good, numbers: [stat("Ready", "short", up)] },
      { ...good, numbers: [timeSeries("Ready", "short", up, { opens: { panel: "Panel" } })] },
      {
        ...good,
        numbers: [..."1234567"].map((name) => stat(name, "short", up, { opens: { panel: "Panel" } })),
      },
    ],
    "has thresholds in the right direction": [
      {
        ...good,
        rows: [
          { title: "Row", panels: [panel, stat("Pods up", "short", up, { thresholds: { above: [1] } })] },
        ],
      },
      {
        ...good,
        rows: [
          { title: "Row", panels: [panel, stat("Errors", "short", up, { thresholds: { below: [1] } })] },
        ],
      },
      {
        ...good,
        rows: [
          { title: "Row", panels: [panel, stat("Errors", "short", up, { thresholds: { above: [2, 1] } })] },
        ],
      },
    ],
    "has known units": [{ ...good, rows: [{ title: "Row", panels: [panel, stat("Errors", "cores", up)] }] }],
    "has no NaN": [
      asking(
        'sum(rate(up{cluster=~"$cluster"}[$__rate_interval])) / sum(rate(up{cluster=~"$cluster"}[$__rate_interval]))',
      ),
      asking('histogram_quantile(0.9, sum by (le) (rate(up{cluster=~"$cluster"}[$__rate_interval])))'),
    ],
    "has queries that can be parsed": [
      asking('sum(rate(up{cluster=~"$cluster"}[$__rate_interval])'),
      asking('sum by job (up{cluster=~"$cluster"})'),
      asking(""),
      {
        ...good,
        numbers: [],
        rows: [{ title: "Row", panels: [logLines("Lines", of(logs, { it: '{job="a" |= `b`' }))] }],
      },
      {
        ...good,
        numbers: [],
        rows: [{ title: "Row", panels: [traceList("Traces", of(traces, { it: "{ status == error }" }))] }],
      },
    ],
    "asks for metrics and labels that a stack has": [
      asking('upp{cluster=~"$cluster"}'),
      asking('up{cluster=~"$cluster", nod="a"}'),
      asking('sum by (nod) (up{cluster=~"$cluster"})'),
      asking('up{cluster=~"$cluster"} * on (nod) group_left () up{cluster=~"$cluster"}'),
      { ...good, variables: [{ name: "nod", label: "Node", source: metrics, series: "up" }] },
    ],
  };

  it("show the kind of missing data in an empty panel, or the panel's own text", () => {
    const lines = of(logs, { lines: '{cluster=~"$cluster"}' });
    const found = of(traces, { found: "{ status = error }" });
    const row = [
      panel,
      logLines("Lines", lines),
      traceList("Traces", found),
      logLines("Errors", lines, { none: "No errors" }),
      table("Table", up, { columns: [] }),
      serviceMap("Map", traces, 'cluster=~"$cluster"'),
    ];
    const texts = modelOf({ ...good, numbers: [], rows: [{ title: "Row", panels: row }] })
      .panels.filter((each: Json) => !isRow(each))
      .map(reasonOf);
    expect(texts).to.deep.equal([
      "No targets",
      "No log lines",
      "No traces",
      "No errors",
      "No targets",
      "No calls",
    ]);
  });

  for (const [name, rule] of Object.entries(rules))
    it(`report a violation: ${name}`, () => {
      expect(rule(good, [good])).to.deep.equal([]);
      expect(bad[name]).not.to.equal(undefined);
      for (const [index, dashboard] of (bad[name] ?? []).entries())
        expect(rule(dashboard, [dashboard]), `${name} ${index}`).not.to.deep.equal([]);
    });

  it("variables that query Loki select streams, whatever is selected in the others", () => {
    const streams = Object.values(dashboards)
      .flat()
      .flatMap((dashboard) => modelOf(dashboard).templating.list)
      .flatMap(({ query }: Json) => (query?.stream === undefined ? [] : [query.stream as string]));
    expect(streams).to.have.lengthOf.at.least(4);
    // Loki rejects a selector whose matchers all match an empty value.
    for (const stream of streams)
      expect(stream.replace(/\$\w+/g, ".*")).to.match(/^\{.*(!=""|="[^"]+"|=~"[^".]+").*\}$/);
  });
});
