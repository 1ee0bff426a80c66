/** What `obs coverage` finds: queries without data and why, and metrics that nothing reads. */
import { expect } from "chai";
import { examine } from "../../cli/commands/coverage/examine";
import type { Reading } from "../../cli/commands/coverage/model";
import { blindAutoscalers, dropsOf, type Objects, readingsIn } from "../../cli/commands/coverage/objects";
import { matches, parse, textOf } from "../../cli/commands/coverage/promql";
import { jsonOfReport, textOfReport } from "../../cli/commands/coverage/report";
import { mimir, ofAddress, ofTenants, prometheus } from "../../cli/commands/coverage/sources";
import type { Holdings } from "../../cli/commands/coverage/stores";
import { unreadMetrics } from "../../cli/commands/coverage/unread";
import { seriesOfOthers } from "../../values/kube-prometheus-stack";
import { type Config, settingsOf } from "../support/stacks";

const selectorsOf = (expr: string) => parse(expr).selectors.map(textOf);
const missing = (expr: string, ...there: string[]) =>
  parse(expr)
    .missing(({ metric = "" }) => there.includes(metric))
    .map(textOf);

describe("coverage: queries", () => {
  it("finds the selectors of a query, and leaves out what a variable decides", () => {
    expect(selectorsOf('sum by (pod) (rate(a{x="1",y!~"b|c"}[5m] offset 1h)) / on (pod) b')).to.deep.equal([
      'a{x="1",y!~"b|c"}',
      "b",
    ]);
    expect(
      selectorsOf(
        'topk($top, rate(a_total{job="$job",z=~"${zone:regex}",w="w"}[$__rate_interval])) by ([[group]]) + increase(b[$range:])',
      ),
    ).to.include.members(['a_total{w="w"}', "b"]);
    expect(selectorsOf('{__name__=~"a.+",x="\\"y\\""}')).to.deep.equal(['{__name__=~"a.+",x="\\"y\\""}']);
    expect(selectorsOf('{"http.requests", a=`b\\c`}')).to.deep.equal(['{"http.requests",a="b\\\\c"}']);
    expect(selectorsOf("${metric}{a='b'}")).to.deep.equal(['{a="b"}']);
    // Variables that hold whole conditions, as in the dashboards of the Mimir mixin.
    expect(selectorsOf('rate(a{$matchers}[5m]) + b{x="1", ${more}} + c{$matchers, y="2"}')).to.deep.equal([
      "a",
      'b{x="1"}',
      'c{y="2"}',
    ]);
    expect(() => parse("sum(a")).to.throw("not understood");
    expect(() => parse(" ")).to.throw("empty");
  });

  it("knows which selectors a result needs", () => {
    expect(missing("a / b", "a")).to.deep.equal(["b"]);
    expect(missing("a and on () b > 0", "b")).to.deep.equal(["a"]);
    expect(missing("a or b", "b")).to.deep.equal([]);
    expect(missing("a or b")).to.deep.equal(["a", "b"]);
    expect(missing("sum(a) or vector(0)")).to.deep.equal([]);
    expect(missing("a unless b", "a")).to.deep.equal([]);
    expect(missing("a unless b", "b")).to.deep.equal(["a"]);
    expect(missing('absent(up{job="x"}) == 1')).to.deep.equal([]);
    expect(missing("(absent_over_time(a[5m]) or b) * on () c", "c")).to.deep.equal([]);
    expect(missing("histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))")).to.deep.equal(["a_bucket"]);
    expect(missing("time() - max(a)")).to.deep.equal(["a"]);
  });

  it("reads expressions of PromQL", () => {
    expect(matches("a|b", "ab")).to.equal(false);
    expect(matches("(?i)abc", "ABC")).to.equal(true);
    expect(matches("(?P<odd>", "x")).to.equal(true);
  });
});

const settings = (metrics: Config = {}) =>
  settingsOf("dev", { metrics, cluster: { name: "test" }, mimir: { tenants: { team: { series: 1000 } } } });

const rule = (name: string, rules: object[], metadata: object = {}) => ({
  kind: "PrometheusRule",
  metadata: { namespace: "shop", name, ...metadata },
  spec: { groups: [{ name, rules }] },
});
const none: Objects = {
  ...{ rules: [], scaledObjects: [], configMaps: [], dashboards: [], alerts: [], monitors: [], hpas: [] },
};
const prometheusType = { type: "prometheus", uid: "$datasource" };

describe("coverage: readers", () => {
  const read = (objects: Partial<Objects>) => {
    const all = readingsIn(settings(), { ...none, ...objects });
    return {
      readings: all.filter(({ source }) => "uid" in source),
      unjudged: all.flatMap(({ source, ...one }) => ("why" in source ? [{ ...one, why: source.why }] : [])),
    };
  };
  const uidOf = ({ source }: Reading) => ("uid" in source ? source.uid : source.why);
  const bySource = (readings: Reading[]) => readings.map((one) => `${one.item}: ${uidOf(one)}`);

  it("takes a rule to the store that evaluates it", () => {
    const rules = [
      rule("a", [
        { alert: "A", expr: "a" },
        { record: "b:c", expr: 1 },
      ]),
      rule("b", [{ alert: "B", expr: "b" }], { labels: { "observability/mimir-tenant": "team" } }),
      rule("c", [{ alert: "C", expr: "c" }], {
        labels: { "observability/mimir-tenant": "pods" },
        annotations: { "monitoring.grafana.com/source_tenants": "pods, nodes" },
      }),
    ];
    const { readings } = read({ rules });
    expect(bySource(readings)).to.deep.equal([
      "A: prometheus",
      "b:c: prometheus",
      "B: mimir-team",
      "C: mimir",
    ]);
    expect(readings.map(({ kind }) => kind)).to.deep.equal(["alert", "recording rule", "alert", "alert"]);
    expect(ofTenants(["team", "pods"])).to.deep.equal({
      uid: "mimir-pods|team",
      name: "Mimir pods, team",
      users: ["pods-read", "team-read"],
    });
  });

  it("takes an autoscaler to the store of its address", () => {
    const trigger = (serverAddress: string) => ({
      type: "prometheus",
      metadata: { serverAddress, query: "sum(orders_total)" },
    });
    const { readings, unjudged } = read({
      scaledObjects: [
        {
          kind: "ScaledObject",
          metadata: { namespace: "shop", name: "cart" },
          spec: {
            triggers: [
              trigger("http://kps-prometheus.monitoring.svc:9090"),
              trigger("http://mimir-gateway.mimir.svc.cluster.local/prometheus"),
              trigger("https://metrics.example.com"),
              { type: "cpu", metadata: {} },
            ],
          },
        },
      ],
    });
    expect(readings.map(uidOf)).to.deep.equal(["prometheus", "mimir"]);
    expect(unjudged).to.have.length(1);
    expect(ofAddress(settingsOf("dev"), "http://kps-prometheus.monitoring:9090")).to.equal(prometheus);
  });

  it("reads panels, collapsed rows, variables and annotations of dashboards, wherever these are", () => {
    const target = (expr: string, datasource?: unknown) => ({ expr, ...(datasource ? { datasource } : {}) });
    const model = {
      title: "Shop",
      panels: [
        {
          title: "one",
          datasource: prometheusType,
          targets: [target("a"), target("b", { type: "loki", uid: "loki" })],
        },
        { type: "row", panels: [{ title: "two", targets: [target("c", "Mimir team"), target("")] }] },
      ],
      rows: [{ panels: [{ id: 3, datasource: "${DS_PROMETHEUS}", targets: [target("d")] }] }],
      templating: {
        list: [
          { type: "datasource", name: "datasource", query: "prometheus", current: { value: "mimir" } },
          {
            type: "query",
            name: "pod",
            datasource: prometheusType,
            query: { query: 'label_values(e{x=~"$y"}, pod)' },
          },
          { type: "query", name: "all", datasource: prometheusType, query: "label_values(pod)" },
        ],
      },
      annotations: {
        list: [
          { name: "f", datasource: { type: "datasource", uid: "grafana" } },
          { name: "g", expr: "g" },
        ],
      },
    };
    const configMap = {
      kind: "ConfigMap",
      metadata: { namespace: "grafana", name: "shop", labels: { grafana_dashboard: "1" } },
      data: { "shop.json": JSON.stringify(model), "broken.json": "{" },
    };
    const { readings, unjudged } = read({
      configMaps: [configMap, { ...configMap, metadata: { labels: {} } }],
    });
    expect(bySource(readings)).to.deep.equal([
      "one: mimir",
      "two: mimir-team",
      "panel 3: prometheus",
      "variable pod: mimir",
      "annotation g: prometheus",
    ]);
    expect(unjudged.map(({ item }) => item)).to.deep.equal(["one", "broken.json"]);
    expect(readings[0]?.owner).to.equal("dashboard Shop (ConfigMap grafana/shop)");

    const elsewhere = read({
      configMaps: [{ ...configMap, metadata: { ...configMap.metadata, namespace: "shop" } }],
    });
    expect(elsewhere.unjudged.map(({ why }) => why)).to.deep.equal([
      "Grafana does not load it: add shop to grafana.dashboards.namespaces",
    ]);
    const second = read({ dashboards: [{ title: "New", elements: { a: {} } }] });
    expect(second.unjudged.map(({ owner, why }) => `${owner}: ${why}`)).to.deep.equal([
      "dashboard New (made in Grafana): its schema is version 2",
    ]);

    const made = read({
      dashboards: [model],
      alerts: [
        {
          title: "Too many orders",
          data: [
            { datasourceUid: "prometheus", model: { expr: "orders_total" } },
            { datasourceUid: "__expr__", model: { expression: "A" } },
          ],
        },
      ],
    });
    expect(made.readings.map(({ owner }) => owner)).to.include.members([
      "dashboard Shop (made in Grafana)",
      "Grafana alert rule",
    ]);
  });

  it("reads why HPAs cannot scale, and what monitors drop", () => {
    const hpa = (reason: string) => ({
      metadata: { namespace: "shop", name: reason },
      status: {
        conditions: [{ type: "ScalingActive", status: "False", reason, message: "no metrics returned" }],
      },
    });
    expect(
      blindAutoscalers({ hpas: [hpa("FailedGetExternalMetric"), hpa("FailedGetResourceMetric")] }),
    ).to.deep.equal([
      { owner: "HorizontalPodAutoscaler shop/FailedGetExternalMetric", text: "no metrics returned" },
    ]);
    const metricRelabelings = [
      { action: "drop", sourceLabels: ["__name__"], regex: "container_fs_.+" },
      { action: "drop", sourceLabels: ["__name__", "le"], regex: "x;1" },
      { action: "keep", sourceLabels: ["__name__"], regex: "y" },
      // As in this stack's monitors: the kubelet's own target has these series.
      { action: "drop", sourceLabels: ["__name__"], regex: seriesOfOthers.apiServer },
    ];
    const monitor = { kind: "ServiceMonitor", metadata: { namespace: "a", name: "b" } };
    expect(
      dropsOf({ monitors: [{ ...monitor, spec: { endpoints: [{ metricRelabelings }, {}] } }] }),
    ).to.deep.equal([{ monitor: "ServiceMonitor a/b", pattern: "container_fs_.+" }]);
  });
});

describe("coverage: reasons", () => {
  const metricIn = (text: string) => parse(text).selectors[0]?.metric ?? "";
  /** Stores with these series: the labels of each metric, by the source's uid. */
  const store = (held: Record<string, Record<string, Record<string, string>>>): Holdings => ({
    names: async ({ uid }) => {
      if (uid === "mimir-team") throw new Error("401");
      return new Set(Object.keys(held[uid] ?? {}));
    },
    labels: async ({ uid }, text) => new Set(Object.keys(held[uid]?.[metricIn(text)] ?? {})),
    jobs: async ({ uid }, text) => new Set(held[uid]?.[metricIn(text)]?.["job"]?.split("|") ?? []),
    hasSeries: async ({ uid }, text) => {
      const [selector] = parse(text).selectors;
      const labels = held[uid]?.[selector?.metric ?? ""] ?? {};
      return selector?.matchers.every(({ label, value }) => labels[label] === value) ?? false;
    },
  });
  const held = store({
    prometheus: {
      up: { job: "api", pod: "api-0" },
      kube_pod_info: { pod: "api-0" },
      node_load1: {},
      "node:load:sum": {},
    },
    mimir: {
      orders_total: { code: "200", job: "cart" },
      kube_pod_container_status_waiting_reason: { job: "api" },
      kube_pod_info: { pod: "api-1", cluster: "paris", job: "api" },
      kube_job_failed: { job: "cart" },
      up: { job: "cart" },
    },
  });
  const judge = async (exprs: string[], metrics: Config = {}, source: Reading["source"] = prometheus) => {
    const readings = exprs.map(
      (expr): Reading => ({ kind: "alert", owner: "PrometheusRule shop/api", item: expr, source, expr }),
    );
    const examined = await examine(
      {
        stack: "dev",
        settings: settings(metrics),
        readings: [
          ...readings,
          {
            kind: "recording rule",
            owner: "PrometheusRule shop/r",
            item: "x:y",
            source,
            expr: "up",
            records: "x:y",
          },
        ],
        drops: [{ monitor: "ServiceMonitor a/kubelet", pattern: "container_fs_.+" }],
        deep: true,
      },
      held,
    );
    return examined;
  };
  const reasons = async (expr: string, metrics: Config = {}) =>
    (await judge([expr], metrics)).gaps.map(({ reasons, state }) => [
      state,
      ...reasons.map(({ cause, text, fix, also }) => `${cause}: ${text} -> ${fix ?? also ?? "-"}`),
    ]);

  it("names the setting that drops a metric, and the command that brings it back", async () => {
    expect(await reasons("node_boot_time_seconds", { infrastructure: "used", also: ["a"] })).to.deep.equal([
      [
        "blocked",
        "dropped by a setting: node_boot_time_seconds is dropped by metrics.infrastructure: used -> pulumi config set --path metrics.infrastructure standard --stack dev",
      ],
    ]);
    expect(await reasons("nginx_debug_a", { drop: ["nginx_debug_.+"] })).to.deep.equal([
      [
        "blocked",
        "dropped by a setting: nginx_debug_a is dropped by metrics.drop (nginx_debug_.+) -> nginx_debug_a",
      ],
    ]);
    expect(await reasons("apiserver_response_sizes_bucket")).to.match(
      /dropped by metrics.infrastructure: standard/,
    );
    expect(await reasons("apiserver_response_sizes_bucket", { also: ["apiserver_response_.+"] })).to.match(
      /not collected/,
    );
  });

  it("tells a metric that is elsewhere, dropped by a monitor, recorded, or not there", async () => {
    expect(await reasons("orders_total > 0")).to.match(/in another data source: orders_total is in Mimir/);
    // Its target is scraped here, too: a state that has passed.
    expect(await reasons("kube_pod_container_status_waiting_reason")).to.match(/^no data now,not exposed/);
    expect(await reasons("kube_job_failed")).to.match(/^blocked,in another data source/);
    expect(await reasons("container_fs_reads_total")).to.match(
      /metricRelabelings of ServiceMonitor a\/kubelet -> remove the rule from ServiceMonitor a\/kubelet/,
    );
    expect(await reasons("x:y")).to.match(/recorded by PrometheusRule shop\/r/);
    expect(await reasons("argocd_app_info")).to.match(
      /not collected: .* begins with argocd_ -> add a ServiceMonitor/,
    );
    expect(await reasons("etcd_server_id")).to.match(/kubePrometheusStack.controlPlane/);
    expect(await reasons("node_other")).to.match(
      /^no data now,not exposed: node_other is exposed by no target \(1 other metric begins with node_\)/,
    );
    expect(await reasons("job:latency:p99")).to.match(
      /^not collected,not collected: job:latency:p99 is recorded by no rule -> add the recording rules/,
    );
  });

  it("tells a label that a metric does not have from a value that it does not have now", async () => {
    expect(await reasons('up{job="api"}')).to.deep.equal([]);
    expect(await reasons('up{job="other"}')).to.deep.equal([
      ["no data now", 'no such value: no series matches up{job="other"} now -> -'],
    ]);
    expect(await reasons('kube_pod_info{node="a"}')).to.deep.equal([
      ["no data now", "no such label: kube_pod_info has no label node -> -"],
    ]);
    expect(await reasons('up{job="cart"}')).to.match(
      /^blocked,in another data source: up{job="cart"} is in Mimir, not here -> set the label/,
    );
    expect(await reasons('kube_pod_info{node=""}')).to.match(/no such value/);
    // The target is scraped here, too: a pod that ran between two scrapes. Labels of the source are only there.
    expect(await reasons('kube_pod_info{pod="api-1"}')).to.match(/^no data now,no such value/);
    expect(await reasons('kube_pod_info{cluster="paris"}')).to.match(/^blocked,in another data source/);
  });

  it("takes the state that suffices for having no data", async () => {
    const state = async (expr: string) => (await judge([expr])).gaps.map((gap) => gap.state);
    expect(await state('orders_total or up{job="other"}')).to.deep.equal(["no data now"]);
    expect(await state('orders_total and up{job="other"}')).to.deep.equal(["blocked"]);
    expect(await state("orders_total or argocd_app_info")).to.deep.equal(["not collected"]);
    expect(await state("up unless argocd_app_info")).to.deep.equal([]);
    expect(await state('ALERTS{severity="critical"}')).to.deep.equal(["no data now"]);
  });

  it("takes an alert on a recording rule for blocked if the rule is", async () => {
    const state = async (expr: string) => {
      const rule: Reading = {
        kind: "recording rule",
        owner: "PrometheusRule shop/r",
        item: "job:x:sum",
        source: prometheus,
        expr,
        records: "job:x:sum",
      };
      const chained = { ...rule, item: "job:y:sum", records: "job:y:sum", expr: "job:x:sum" };
      const { gaps } = await examine(
        {
          stack: "dev",
          settings: settings(),
          readings: [{ ...rule, kind: "alert", item: "A", expr: "job:y:sum > 1" }, chained, rule],
          drops: [],
          deep: true,
        },
        held,
      );
      return gaps.find(({ item }) => item === "A")?.state;
    };
    expect(await state("apiserver_response_sizes_bucket")).to.equal("blocked");
    expect(await state('up{job="other"}')).to.equal("no data now");
    expect(await state("up")).to.equal("no data now");
  });

  it("names queries that it cannot judge", async () => {
    expect((await judge(["sum("])).unjudged.map(({ item, why }) => `${item} ${why}`)[0]).to.match(
      /not understood/,
    );
    expect((await judge(["up"], {}, ofTenants(["team"]))).unjudged[0]?.why).to.match(
      /Mimir team did not respond: 401/,
    );
    expect((await judge(["up"], {}, { why: "it is gone" })).unjudged[0]?.why).to.equal("it is gone");
  });

  it("prints what has no data, with the fix, and the rest on demand", async () => {
    const { gaps, unjudged, ...examined } = await judge([
      "etcd_server_id",
      'up{job="other"}',
      "sum(",
      "apiserver_response_sizes_bucket",
      "etcd_debugging_a_bucket / etcd_debugging_b_bucket",
    ]);
    const judged = examined.judged.filter(({ kind }) => kind === "alert");
    const names = new Map([[prometheus, new Set(["up"])]]);
    const unread = unreadMetrics(
      [],
      { total: 100, metrics: new Map([["debug_bytes", 25]]) },
      { total: 0, metrics: new Map() },
    );
    const next = { also: 2, drop: 3 };
    const report = { stack: "dev", hours: 1, next, judged, gaps, autoscalers: [], unread, unjudged, names };
    const short = textOfReport(report, { all: false, top: 20 });
    expect(short).to.include("alert  4        2        1              1");
    expect(short).to.include("PrometheusRule shop/api: 1 of 4 queries");
    expect(short).to.include("add etcd to kubePrometheusStack.controlPlane   # 1 query: etcd_server_id");
    expect(short).to.include(
      "pulumi config set --path 'metrics.also[2]' 'apiserver_response_sizes_bucket|etcd_debugging_a_bucket|etcd_debugging_b_bucket' --stack dev   # 3 queries",
    );
    expect(short).to.include("1 metric, 25 series in Mimir (25.0 %)");
    expect(short).to.include("pulumi config set --path 'metrics.drop[3]' 'debug_bytes' --stack dev");
    expect(short).not.to.include('up{job="other"}');
    expect(textOfReport(report, { all: true, top: 20 })).to.include('no series matches up{job="other"} now');
    const json = JSON.parse(JSON.stringify(jsonOfReport(report)));
    expect(json).to.include({ stack: "dev", queries: 4 });
    expect(json.gaps[0].reasons[0].cause).to.equal("not collected");
    expect(json.fixes).to.have.length(2);
    expect(json.metrics).to.deep.equal({ prometheus: 1 });
  });
});

describe("coverage: metrics that nothing reads", () => {
  const cost = (metrics: Record<string, number>) => ({
    total: Object.values(metrics).reduce((sum, one) => sum + one, 0),
    metrics: new Map(Object.entries(metrics)),
  });
  const reading = (expr: string, records?: string): Reading => ({
    kind: records ? "recording rule" : "dashboard",
    owner: "o",
    item: "i",
    source: mimir,
    expr,
    ...(records ? { records } : {}),
  });
  const unread = (readings: Reading[]) =>
    unreadMetrics(
      readings,
      cost({ big_bucket: 600, small: 100, read_total: 100, traces_a: 100, kube_pod_info: 50, up: 50 }),
      cost({ big_bucket: 700, only_here: 5, "sum:x": 1, ALERTS: 1 }),
    );

  it("are those that no query, rule or page names, with their share", () => {
    const found = unread([
      reading('rate(read_total[5m]) or {__name__=~"traces_.+"}'),
      reading("small", "sum:x"),
    ]);
    expect(found).to.deep.equal([
      {
        metric: "big_bucket",
        mimir: 600,
        prometheus: 700,
        share: 0.6,
      },
      {
        metric: "only_here",
        mimir: 0,
        prometheus: 5,
        share: 0,
      },
    ]);
  });

  it("stay so if a query counts all metrics", () => {
    expect(
      unread([reading('count by (__name__) ({__name__=~".+"})')]).map(({ metric }) => metric),
    ).to.deep.equal(["big_bucket", "read_total", "small", "traces_a", "only_here", "sum:x"]);
  });
});
