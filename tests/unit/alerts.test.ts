/** Requirements of each of the stack's own alerts: a page, a dashboard, and metrics that exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { root } from "../../cli/lib/stack-config";
import { dashboards } from "../../dashboards";
import { mistakes, selectors } from "../support/queries";

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

const folder = join(root, "alerts");
const rules = readdirSync(folder)
  .filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"))
  .flatMap((file) => {
    const { groups } = parse(readFileSync(join(folder, file), "utf8")) as { groups: { rules: Rule[] }[] };
    return groups.flatMap((group) => group.rules);
  });
const alerts = rules.flatMap(({ alert, ...rest }) => (alert ? [{ ...rest, alert }] : []));

const pages = join(root, "docs", "operations", "runbooks");
const headings = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Prevention"];
const page = (file: string) => readFileSync(join(pages, file), "utf8");
const titles = (text: string, level: string) =>
  text
    .replace(/^```[\s\S]*?^```$/gm, "") // comments in commands are not headings
    .split("\n")
    .filter((line) => line.startsWith(`${level} `))
    .map((line) => line.slice(level.length + 1));

/** Pages of kube-prometheus-stack's alerts with a specific meaning in this stack. */
const pagesOfOthers = ["Watchdog"];

/** Components of Alloy whose names begin like a group of settings. */
const componentsOfAlloy = /^(loki\.(source|write)|mimir\.rules)/;

/** Files and addresses that begin like one. */
const notSettings = /\.(md|json|local|go)$/;

const recorded: Record<string, string[]> = JSON.parse(
  readFileSync(join(root, "tests", "recorded", "metrics.json"), "utf8"),
).prometheus;

/** Metrics that a healthy stack does not have: without them, expressions return nothing. */
const notAlways: { metrics: RegExp; why: string }[] = [
  { metrics: /^(loki|cortex)_discarded_samples_total$/, why: "only once something was refused" },
  {
    metrics: /^otelcol_exporter_(send|enqueue)_failed_(spans|metric_points|log_records)_total$/,
    why: "only once some were dropped",
  },
  {
    metrics: /^otelcol_deltatocumulative_datapoints_total$/,
    why: "only once deltas were sent",
  },
  {
    metrics: /^otelcol_receiver_refused_(spans|metric_points|log_records)_total$/,
    why: "only once some were refused",
  },
  {
    metrics: /^otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total$/,
    why: "only if Alloy samples",
  },
  {
    metrics: /^(loki_write_(sent|dropped)_entries_total|alloy_component_graph_connection)$/,
    why: "only with alloyMetrics.kubernetesEvents, which the recorded stack did not have",
  },
  {
    metrics: /^loki_index_gateway_clients$/,
    why: "only with index gateways, which the recorded stack did not have",
  },
  { metrics: /^cortex_bucket_blocks_count$/, why: "only once a tenant has blocks" },
  { metrics: /^tempodb_blocklist_poll_errors_total$/, why: "only after the first failure" },
  {
    metrics:
      /^cortex_(prometheus_rule_evaluation_failures|prometheus_rule_group_iterations_missed|prometheus_notifications_dropped|alertmanager_notifications_failed)_total$/,
    why: "only of tenants with rules for Mimir's ruler",
  },
  {
    metrics: /^cortex_compactor_compaction_interval_seconds$/,
    why: "not in every release of Mimir: the expression says what holds without it",
  },
  {
    metrics:
      /^(http_client_request_duration_seconds_count|otelcol_receiver_accepted_spans_total|otelcol_exporter_sent_(spans|metric_points)_total)$/,
    why: "only once an application has sent spans or metrics",
  },
  {
    metrics:
      /^observability:((loki_streams|backup_age_seconds):limit|agent:listed|client_certificate:expiry)$/,
    why: "recorded by a rule that the settings make (values/alerts.ts)",
  },
  { metrics: /^kube_cronjob_/, why: "only with CronJobs: backups.destination" },
  {
    metrics: /^probe_ssl_earliest_cert_expiry$/,
    why: "only with network.tls or grafana.ingress",
  },
  {
    metrics: /^tempo_distributor_spans_received_total$/,
    why: "only once an application has sent spans",
  },
];

describe("unit: the stack's own alerts", () => {
  it("exist for every required condition, as do objectives", () => {
    expect(alerts.map(({ alert }) => alert)).to.include.members([
      "LokiIngesterUnhealthy",
      "MimirCompactionFailing",
      "TempoDistributorOverloaded",
      "MinioStorageFilling",
      "AlloyRemoteWriteErrors",
      "IngestBudgetBurning",
      "QueryBudgetBurning",
      "FreshnessBudgetBurning",
    ]);
  });

  it("a name is unique, or has two severities: the higher then silences the lower", () => {
    const named = alerts.map(({ alert, labels }) => `${alert}, ${labels?.severity}`);
    expect(named.filter((name, i) => named.indexOf(name) !== i)).to.deep.equal([]);
  });

  it("every page belongs to an alert", () => {
    const known = new Set(
      [...alerts.map(({ alert }) => alert), ...pagesOfOthers].map((name) => `${name}.md`),
    );
    expect(readdirSync(pages).filter((file) => !known.has(file))).to.deep.equal([]);
  });

  const uids = Object.values(dashboards)
    .flat()
    .map(({ uid }) => uid);

  for (const { alert, labels = {}, annotations = {}, for: wait } of alerts)
    it(`${alert}, ${labels.severity}: has a severity, a description, a runbook and a dashboard`, () => {
      expect(["critical", "warning", "info"]).to.include(labels.severity);
      expect(labels.team).to.equal("observability");
      expect(wait, "for").to.match(/^\d+m$/);
      expect(annotations).to.have.all.keys("summary", "description", "runbook_url", "dashboard");
      expect(annotations.summary, "summary").to.have.length.within(10, 80);
      expect(annotations.description, "description").to.include("{{");
      expect(annotations.runbook_url).to.equal(`docs/operations/runbooks/${alert}.md`);
      expect(existsSync(join(root, annotations.runbook_url ?? "")), annotations.runbook_url).to.equal(true);
      expect(uids).to.include(annotations.dashboard);
    });

  for (const file of readdirSync(pages))
    it(`${file}: the same five sections as every page, none of them empty`, () => {
      const text = page(file);
      expect(titles(text, "#")).to.deep.equal([file.replace(".md", "")]);
      expect(titles(text, "##")).to.deep.equal(headings);
      const parts = text.split(/^## .*$/m).slice(1);
      expect(parts.filter((part) => part.trim() === "")).to.deep.equal([]);
      expect(parts[2], "Diagnosis has a command").to.match(/^```\n(kubectl|\.\/obs) /m);
      for (const [, language, queries = ""] of text.matchAll(/^```(promql|logql)\n([\s\S]*?)^```$/gm))
        for (const query of queries.trim().split("\n"))
          expect(
            mistakes(language === "promql" ? "prometheus" : "loki", query.replace(/ +#.*/, "")),
            query,
          ).to.deep.equal([]);
    });

  it("settings in descriptions and pages exist", () => {
    const settings = readFileSync(join(root, "docs", "reference", "settings.md"), "utf8");
    const groups = [...settings.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
    const names = new Set(
      [...settings.matchAll(/\| \W*([a-z]\w*(?:\.(?:\w+|<\w+>))*)\W* \|/gi)].map(([, name]) => name),
    );
    const named = new RegExp(
      `(?<![\\w./}-])(?:${groups.join("|")})(?:\\.(?:[a-z]\\w*|<\\w+>))+(?![\\w/-]|\\.\\w|:)`,
      "g",
    );
    const said = [
      ...alerts.map(({ alert, annotations }) => [alert, annotations?.description ?? ""]),
      ...readdirSync(pages).map((file) => [file, page(file)]),
      ["runbook.md", readFileSync(join(root, "docs", "operations", "runbook.md"), "utf8")],
    ];
    const unknown = said.flatMap(([where = "", text = ""]) =>
      (text.match(named) ?? [])
        .map((name) => name.replace(/(?<=\.tenants\.)\w+/, "<name>"))
        .filter((name) => !names.has(name) && !componentsOfAlloy.test(name) && !notSettings.test(name))
        .map((name) => `${where}: ${name}`),
    );
    expect(unknown).to.deep.equal([]);
  });

  for (const { alert, record, labels, expr } of rules)
    it(`${alert ?? record} ${Object.values(labels ?? {}).join(" ")}: valid PromQL with metrics of a running stack`, () => {
      expect(mistakes("prometheus", expr)).to.deep.equal([]);
      const own = new Set(rules.flatMap((rule) => rule.record ?? []));
      const asked = selectors(expr);
      expect(asked.length, "selectors").to.be.greaterThan(0);
      for (const { metric: named, labels, matchers } of asked) {
        // A pattern for the metrics of several programs: a running stack has one of them.
        const [, pattern = ""] = /^__name__=~"(.*)"$/m.exec(matchers.join("\n")) ?? [];
        const metric =
          named ?? Object.keys(recorded).find((one) => new RegExp(`^(${pattern})$`).test(one)) ?? pattern;
        const matched = labels.filter((label) => label !== "__name__");
        if (own.has(metric) || notAlways.some(({ metrics }) => metrics.test(metric))) continue;
        expect(recorded, "metrics").to.have.property(metric);
        expect(recorded[metric], metric).to.include.members(matched);
      }
    });

  // https://sre.google/workbook/alerting-on-slos/#6-multiwindow-multi-burn-rate-alerts
  const burns = {
    critical: [
      { factor: "14.4", windows: ["1h", "5m"] },
      { factor: "6", windows: ["6h", "30m"] },
    ],
    warning: [
      { factor: "3", windows: ["1d", "2h"] },
      { factor: "1", windows: ["3d", "6h"] },
    ],
  };
  const budgets = { ingest: "0.001", query: "0.005", freshness: "0.01" };
  for (const [objective, budget] of Object.entries(budgets))
    for (const [severity, pairs] of Object.entries(burns))
      it(`${objective}: ${severity} with the windows and factors of the workbook`, () => {
        const name = `${objective.charAt(0).toUpperCase()}${objective.slice(1)}BudgetBurning`;
        const found = alerts.filter(({ alert, labels }) => alert === name && labels?.severity === severity);
        expect(found).to.have.lengthOf(1);
        const compared = [
          ...(found[0]?.expr ?? "").matchAll(/ratio_rate(\w+)\{objective="(\w+)"\} > ([\d.]+) \* ([\d.]+)/g),
        ].map(([, window, of, factor, share]) => [window, of, factor, share]);
        expect(compared).to.deep.equal(
          pairs.flatMap(({ factor, windows }) =>
            windows.map((window) => [window, objective, factor, budget]),
          ),
        );
      });

  it("each objective is measured for each signal, with the namespace label that Alertmanager uses to separate signals", () => {
    const measured = rules
      .filter(({ record }) => record === "observability:events:rate5m")
      .map(({ labels = {} }) => `${labels.objective} ${labels.signal} ${labels.namespace}`);
    const signals = ["logs loki", "metrics mimir", "traces tempo"];
    expect(measured).to.have.members(
      Object.keys(budgets).flatMap((objective) => signals.map((signal) => `${objective} ${signal}`)),
    );
  });
});
