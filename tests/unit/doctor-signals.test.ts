import { expect } from "chai";
import type { Gap } from "../../cli/commands/coverage/model";
import { judgeBuckets } from "../../cli/commands/doctor/checks/buckets";
import { judgeCoverage } from "../../cli/commands/doctor/checks/coverage";
import { judgeMissing } from "../../cli/commands/doctor/checks/datasources";
import { judgeFlows } from "../../cli/commands/doctor/checks/flows";
import { judgeForecast } from "../../cli/commands/doctor/checks/forecast";
import { judgeUsers } from "../../cli/commands/doctor/checks/gateways";
import { judgeRefused, judgeSilence, remedy } from "../../cli/commands/doctor/checks/ingestion";
import { judgeLimits } from "../../cli/commands/doctor/checks/limits";
import { judgeMinio } from "../../cli/commands/doctor/checks/minio";
import { judgeReady } from "../../cli/commands/doctor/checks/ready";
import { judgeRing, rings } from "../../cli/commands/doctor/checks/rings";
import { judgeAlerting, judgeRules } from "../../cli/commands/doctor/checks/rules";
import { judgeSending } from "../../cli/commands/doctor/checks/sending";
import { alloyTargets, judgeTargets } from "../../cli/commands/doctor/checks/targets";
import { judgeUpkeep } from "../../cli/commands/doctor/checks/upkeep";
import type { Live } from "../../cli/commands/doctor/ends";
import { judgeLog } from "../../cli/commands/doctor/gateway-log";
import { growth, metrics, total } from "../../cli/commands/doctor/metrics";
import type { Reading, Talker } from "../../cli/commands/doctor/readings";
import type { NamespaceKey } from "../../names";

import { networkPolicies } from "../../values/network-policies";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("dev");
const start = 1_800_000_000_000;
const later = start + 3_600_000;

const talker = (component: string, fields: Partial<Talker> = {}): Talker => ({
  key: component.split("-")[0] as NamespaceKey,
  namespace: component.split("-")[0] ?? "",
  pod: `${component}-0`,
  component,
  port: 3100,
  address: "10.0.0.1",
  started: start,
  ready: true,
  paths: { ready: "/ready", metrics: "/metrics" },
  ...fields,
});

/** A reading of two pages. */
const reading = (
  component: string,
  before: string,
  after: string,
  fields: Partial<Talker> = {},
): Reading => ({
  ...talker(component, fields),
  now: metrics(after),
  grown: growth(metrics(before), metrics(after)),
  seconds: 5,
});

const whats = (findings: { what: string }[]) => findings.map(({ what }) => what).join("\n");

describe("doctor: metrics", () => {
  it("reads names, labels with quotes and braces, and values", () => {
    const page = '# TYPE a counter\na{x="1",y="q\\"}{"} 2\na{x="2"} +Inf\nab 3 1700000000\n';
    expect(metrics(page)("a")).to.deep.equal([
      { labels: { x: "1", y: 'q"}{' }, value: 2 },
      { labels: { x: "2" }, value: Infinity },
    ]);
    expect(metrics(page)("ab")).to.deep.equal([{ labels: {}, value: 3 }]);
    expect(metrics(page)("b")).to.deep.equal([]);
  });

  it("takes a counter that fell for one that began again", () => {
    const grown = growth(metrics('a{p="1"} 5\na{p="2"} 9'), metrics('a{p="1"} 7\na{p="2"} 1\na{p="3"} 4'));
    expect(grown("a").map(({ value }) => value)).to.deep.equal([2, 1, 4]);
    expect(total(grown("a"), { p: "3" })).to.equal(4);
  });
});

describe("doctor: components", () => {
  it("says who is not ready with his own words, and only notes who just started", () => {
    const no = { status: 503, text: "Ingester not ready: waiting for 15s" };
    const said = [{ talker: talker("loki-ingester"), ...no }];
    const [late] = judgeReady(said, later);
    expect(late).to.include({ severity: "critical", layer: "components" });
    expect(late?.evidence).to.include("503").and.include("waiting for 15s");
    expect(judgeReady(said, start + 20_000)[0]?.severity).to.equal("note");
    const other = { talker: talker("loki-ingester", { pod: "loki-ingester-1" }), status: 200, text: "ready" };
    expect(judgeReady([...said, other], later).map(({ severity }) => severity)).to.deep.equal(["warning"]);
  });

  it("judges rings by members, quorum and pods that are not in them", () => {
    const ring = rings(settingsOf("prod")).find(
      ({ store, name }) => store === "mimir" && name === "ingester",
    );
    if (!ring) throw new Error("no ring");
    expect(ring.needs).to.equal(2);
    const pods = [0, 1, 2].map((n) => talker("mimir-ingester", { pod: `mimir-ingester-${n}` }));
    const members = (states: string[]) => states.map((state, n) => ({ id: `mimir-ingester-${n}`, state }));
    const all = ["ACTIVE", "ACTIVE", "ACTIVE"];
    expect(judgeRing(ring, members(all), pods, later)).to.deep.equal([]);
    const [few] = judgeRing(ring, members(["ACTIVE"]), pods.slice(0, 1), later);
    expect(few).to.include({ severity: "critical" });
    expect(whats(judgeRing(ring, members(["ACTIVE", "ACTIVE", "Unhealthy"]), pods, later))).to.include(
      "-2 is unhealthy",
    );
    expect(whats(judgeRing(ring, members(["ACTIVE", "ACTIVE"]), pods, later))).to.include(
      "-2 runs and is not in the ring",
    );
    expect(judgeRing(ring, members(["ACTIVE", "ACTIVE"]), pods, start + 10_000)).to.deep.equal([]);
  });

  it("tells gateways' refusals by client, and from the log by pod", () => {
    const asked = [
      { client: "grafana", credential: ["loki", "logs-read"] as const, status: 200 },
      { client: "alloy-logs", credential: ["loki", "logs-write"] as const, status: 401 },
      { client: "tempo", credential: ["mimir", "pods-write"] as const },
    ];
    const found = judgeUsers(settings, asked);
    expect(whats(found)).to.include("refuses logs-write with the password that alloy-logs has");
    expect(whats(found)).to.include("Secret tempo/gateway-credentials lacks");
    expect(found).to.have.length(2);
    const pod = { metadata: { namespace: "alloy-logs", name: "alloy-1" }, status: { podIP: "10.0.0.9" } };
    const log = [
      '10.0.0.9 [23/Nov/2026:15:22:57 +0000] 401 "POST /loki/api/v1/push HTTP/1.1" 11  "Alloy/v1"',
      '10.0.0.9 [23/Nov/2026:15:22:58 +0000] 401 "POST /loki/api/v1/push HTTP/1.1" 11  "Alloy/v1"',
      '10.0.0.9 [23/Nov/2026:15:22:58 +0000] 500 "POST /loki/api/v1/push HTTP/1.1" 11 logs-write "Alloy/v1"',
      '127.0.0.1 [23/Nov/2026:15:22:58 +0000] 401 "GET /loki/api/v1/push HTTP/1.1" 11  "node"',
    ].join("\n");
    const [refused, ...rest] = judgeLog(settings, "loki", log, [pod]);
    expect(rest).to.deep.equal([]);
    expect(refused?.finding.what).to.match(
      /the gateway of loki does not know as whom alloy-logs\/alloy-1 comes/,
    );
    expect(refused?.finding.evidence).to.match(/^2 times 401 to POST/);
  });

  it("finds datasources that are missing", () => {
    const one = { uid: "loki", name: "Loki" };
    expect(judgeMissing([one], [one], "Grafana")).to.deep.equal([]);
    expect(whats(judgeMissing([one], [], "Grafana"))).to.equal("Grafana has no datasource Loki");
    expect(whats(judgeMissing([one], [], "its provisioning"))).to.match(/^datasource Loki is not/);
  });

  it("finds targets that are gone, and those that are down", () => {
    const pods = [talker("tempo-distributor")];
    const target = (health: string) => ({
      labels: { namespace: "tempo", pod: "tempo-distributor-0", job: "tempo/distributor" },
      health,
      lastError: "connection refused",
    });
    const rest = ["kube-state-metrics", "node-exporter", "kubelet"].map((job) => ({
      labels: { job },
      health: "up",
      lastError: "",
    }));
    expect(judgeTargets(settings, [target("up"), ...rest], pods, [], later)).to.deep.equal([]);
    expect(whats(judgeTargets(settings, rest, pods, [], later))).to.match(
      /does not scrape tempo-distributor any more/,
    );
    expect(judgeTargets(settings, rest, pods, [], start + 10_000)).to.deep.equal([]);
    expect(judgeTargets(settings, [target("down"), ...rest], pods, [], later)[0]?.evidence).to.equal(
      "connection refused",
    );
    expect(whats(judgeTargets(settings, [target("up"), ...rest.slice(1)], pods, [], later))).to.include(
      "kube-state-metrics",
    );
    const attribute = (name: string, value: unknown) => ({ name, type: "attr", value: { value } });
    const body = [
      attribute("health", "down"),
      attribute("last_error", "late"),
      attribute("labels", [{ key: "pod", value: { value: "p" } }]),
    ];
    expect(
      alloyTargets(
        JSON.stringify({
          debugInfo: [
            { name: "crds", body: [] },
            { name: "targets", body },
          ],
        }),
      ),
    ).to.deep.equal([{ labels: { pod: "p" }, health: "down", lastError: "late" }]);
  });
});

describe("doctor: storage", () => {
  it("names the reason for which a bucket cannot be read, once for a user", () => {
    const look = (bucket: string, code?: string) => ({
      consumer: "mimir" as const,
      bucket,
      code,
      message: "no",
    });
    expect(judgeBuckets([look("a")], "minio")).to.deep.equal([]);
    const wrong = judgeBuckets(
      [look("a", "SignatureDoesNotMatch"), look("b", "SignatureDoesNotMatch")],
      "minio",
    );
    expect(whats(wrong)).to.equal("the secret key in Secret mimir/mimir-s3 is wrong");
    expect(wrong[0]).to.include({ severity: "critical", layer: "storage" });
    expect(judgeBuckets([look("a", "InvalidAccessKeyId")], "external")[0]?.fix).to.include(
      "objectStorage.external.mimir",
    );
    expect(whats(judgeBuckets([look("a", "NoSuchBucket"), look("b", "AccessDenied")], "minio"))).to.equal(
      "bucket a of mimir is not there\nthe user in Secret mimir/mimir-s3 may not read bucket b",
    );
  });

  it("judges MinIO's servers, drives, room and quotas", () => {
    const page = (free: number, offline = 0, servers = 0) =>
      metrics(
        `minio_cluster_capacity_usable_total_bytes 100\nminio_cluster_capacity_usable_free_bytes ${free}\n` +
          `minio_cluster_drive_offline_total ${offline}\nminio_cluster_nodes_offline_total ${servers}\nminio_cluster_health_status 1\n`,
      );
    const severities = [50, 15, 8, 2].map((free) => judgeMinio(page(free))[0]?.severity);
    expect(severities).to.deep.equal([undefined, "note", "warning", "critical"]);
    expect(whats(judgeMinio(page(50, 1)))).to.include("1 drives of MinIO");
    expect(whats(judgeMinio(page(50, 1, 1)))).to.equal("1 servers of MinIO are offline");
    const quota =
      'minio_bucket_quota_total_bytes{bucket="l"} 100\nminio_bucket_usage_total_bytes{bucket="l"} 92';
    expect(judgeMinio(metrics(quota))[0]).to.include({ severity: "warning" });
  });

  it("forecasts when the object storage is full, unless retention deletes as much before", () => {
    const gib = 1024 ** 3;
    const at = (days: number) => judgeForecast([{ daily: gib, kept: 365, held: 10 * gib }], days * gib);
    expect(at(20)[0]).to.include({
      severity: "warning",
      evidence: "the buckets grow by 1Gi a day, and 20Gi are free",
    });
    expect(at(20)[0]?.what).to.include("full in 20 days");
    expect(at(200)[0]).to.include({ severity: "note" });
    expect(at(360)).to.deep.equal([]);
  });

  it("judges compactors by their last run, and what could not be written", () => {
    const name = "cortex_compactor_last_successful_run_timestamp_seconds";
    const at = (last: number) =>
      judgeUpkeep(
        reading("mimir-compactor", "", `${name} ${last}\ncortex_compactor_compaction_interval_seconds 7200`),
        start / 1000 + 20_000,
      );
    expect(at(start / 1000 + 15_000)).to.deep.equal([]);
    expect(whats(at(0))).to.match(/mimir-compactor-0 has not got through for 333 minutes/);
    const failed = "loki_ingester_chunks_flush_failures_total";
    const one = reading(
      "loki-ingester",
      `${failed} 1`,
      `${failed} 3\nloki_ingester_wal_disk_usage_percent 0.95`,
    );
    const found = judgeUpkeep(one, later / 1000);
    expect(whats(found)).to.include("cannot write chunks to the bucket").and.include("95 % full");
  });
});

describe("doctor: signals", () => {
  it("tells refusals by tenant and reason with the setting that raises the limit", () => {
    const refused = [{ labels: { user: "pods", reason: "per_user_series_limit" }, value: 12.4 }];
    const [one] = judgeRefused(settings, "mimir", refused, "3 minutes");
    expect(one?.what).to.equal("mimir refuses samples of tenant pods: per_user_series_limit");
    expect(one?.fix).to.include("mimir.tenants.pods.series");
    expect(judgeRefused(settings, "mimir", [{ labels: {}, value: 0 }], "")).to.deep.equal([]);
    expect(remedy(settings, "loki", "rate_limited", "logs")).to.include("loki.ingestionRate");
    const hub = { ...settings, agents: { "eu-1": {} } };
    expect(remedy(hub, "mimir", "per_user_series_limit", "eu-1")).to.match(
      /^raise agents\.eu-1\.mimir\.series,/,
    );
    expect(remedy(hub, "loki", "rate_limited", "logs")).to.match(/^raise loki\.ingestionRate/);
    expect(judgeSilence("loki", 0, true)).to.have.length(1);
    expect([...judgeSilence("loki", 5, true), ...judgeSilence("loki", undefined, true)]).to.deep.equal([]);
  });

  it("tells metrics that are refused or late, but not of one that just started", () => {
    const name = (what: string) => `prometheus_remote_storage_${what}`;
    const page = (failed: number, sent: number) =>
      `${name("samples_failed_total")} ${failed}\n${name("highest_timestamp_in_seconds")} 1800003600\n${name("queue_highest_sent_timestamp_seconds")} ${sent}\n`;
    const of = (fields: Partial<Talker>, failed: number, sent: number) =>
      judgeSending(
        settings,
        reading("alloy-metrics", page(0, 0), page(failed, sent), { started: 0, ...fields }),
      );
    expect(of({}, 0, 1_800_003_590)).to.deep.equal([]);
    expect(whats(of({}, 7, 1_800_003_590))).to.include("refuses metrics of alloy");
    expect(of({}, 0, 1_800_003_000)[0]).to.include({ severity: "warning" });
    expect(of({ started: Date.now() - 5000 }, 0, 1_800_003_000)).to.deep.equal([]);
  });

  it("tells logs and traces that are dropped, and queues that fill", () => {
    const dropped = (n: number) => `otelcol_exporter_send_failed_log_records_total ${n}`;
    const logs = reading("alloy-logs", dropped(1), dropped(4), { key: "alloyLogs", namespace: "alloy-logs" });
    expect(whats(judgeSending(settings, logs))).to.include("drops logs: Loki refuses them");
    const page =
      'otelcol_exporter_queue_size{data_type="traces"} 600\notelcol_exporter_queue_capacity{data_type="traces"} 1000';
    const traces = reading("alloy-traces", page, page, { key: "alloyTraces", namespace: "alloy-traces" });
    expect(whats(judgeSending(settings, traces))).to.include("60 % full");
  });

  it("names the hub in the fix for an agent that does not send", () => {
    const agent = { ...settings, hub: { stack: "organization/observability/prod" } };
    const name = "prometheus_remote_storage_samples_failed_total";
    const one = reading("alloy-metrics", `${name} 0`, `${name} 7`);
    const [refused] = judgeSending(agent, one);
    expect(refused?.severity).to.equal("critical");
    expect(refused?.fix).to.match(/^run the doctor for organization\/observability\/prod/);
    expect(judgeSending(settings, one)[0]?.fix).to.include("kubectl -n mimir logs deploy/mimir-gateway");
  });

  it("tells limits that are nearly hit", () => {
    const page = (created: number) =>
      `cortex_ingester_local_limits{limit="max_global_series_per_user",user="pods"} 100\n` +
      `cortex_ingester_memory_series_created_total{user="pods"} ${created}\ncortex_ingester_memory_series_removed_total{user="pods"} 20`;
    expect(judgeLimits(settings, reading("mimir-ingester", "", page(90)))).to.deep.equal([]);
    expect(whats(judgeLimits(settings, reading("mimir-ingester", "", page(105))))).to.include(
      "tenant pods of Mimir has 85 %",
    );
  });

  it("tells rules that fail, and configurations that were not taken", () => {
    const rules = [
      { name: "a", health: "ok" },
      { name: "b", health: "err", lastError: "many-to-many" },
    ];
    const [one] = judgeRules("Prometheus", [{ name: "g", rules }], "docs/x.md");
    expect(one?.what).to.equal("Prometheus cannot evaluate 1 of 2 rules of group g");
    expect(one?.evidence).to.include("many-to-many");
    const page = "alertmanager_config_last_reload_successful 0";
    expect(judgeAlerting(reading("alertmanager", page, page))[0]).to.include({ severity: "critical" });
  });
});

describe("doctor: flows", () => {
  const pod = (namespace: string, name: string, labels: Record<string, string>, containerPort: number) => ({
    metadata: { namespace, name, labels },
    spec: { containers: [{ name: "one", ports: [{ containerPort }] }] },
    status: { phase: "Running", podIP: "10.0.0.1" },
  });
  const live = (policies: unknown[]): Live => ({
    pods: [
      pod("loki", "gateway", { "app.kubernetes.io/component": "gateway" }, 8080),
      pod("loki", "distributor", { "app.kubernetes.io/component": "distributor" }, 3100),
    ],
    nodes: [],
    dns: [],
    network: { policies: policies as Live["network"]["policies"] },
  });
  const deny = {
    metadata: { namespace: "loki", name: "somebodys" },
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/component": "distributor" } },
      policyTypes: ["Ingress"],
    },
  };

  it("names somebody's policy that blocks a needed flow", () => {
    expect(judgeFlows(settings, live([]))).to.deep.equal([]);
    const found = judgeFlows(settings, live([deny]));
    expect(found).to.have.length(1);
    expect(found[0]).to.include({ severity: "critical", layer: "network" });
    expect(found[0]?.what).to.include("NetworkPolicy loki/somebodys blocks");
  });

  it("says which of the stack's own is gone, and nothing where all are there", () => {
    const strict = { ...settings, network: { ...settings.network, policies: true } };
    const own = networkPolicies(strict);
    expect(judgeFlows(strict, live(own))).to.deep.equal([]);
    const without = own.filter(
      ({ metadata: { namespace, name } }) => !(namespace === "loki" && name === "loki"),
    );
    expect(whats(judgeFlows(strict, live(without)))).to.match(/NetworkPolicy loki\/loki is gone/);
  });
});

describe("doctor: coverage", () => {
  const gap = (kind: Gap["kind"], item: string, state: Gap["state"]): Gap => ({
    kind,
    owner: "PrometheusRule shop/api",
    item,
    source: "prometheus",
    expr: "a",
    state,
    reasons: [{ cause: "dropped by a setting", what: "a", text: "a is dropped by metrics.drop (a)" }],
  });

  it("reports alerts and autoscalers that are blocked, with the command that lists all", () => {
    const found = judgeCoverage(
      [
        gap("dashboard", "Orders", "blocked"),
        gap("alert", "Late", "no data now"),
        gap("alert", "Slow", "blocked"),
        gap("alert", "Down", "blocked"),
        gap("autoscaler", "cart", "blocked"),
      ],
      "dev",
    );
    expect(whats(found)).to.equal(
      "2 alerts can never fire, because a metric is not where it is read\n1 autoscaler can never scale, because a metric is not where it is read",
    );
    expect(found[0]?.evidence).to.equal("PrometheusRule shop/api, Slow: a is dropped by metrics.drop (a)");
    expect(found[0]?.fix).to.include("./obs coverage dev");
    expect(judgeCoverage([gap("alert", "Late", "not collected")], "dev")).to.deep.equal([]);
  });
});
