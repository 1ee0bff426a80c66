import type { V1NetworkPolicy, V1Pod, V1Secret } from "@kubernetes/client-node";
import { expect } from "chai";
import type { Gap } from "../../cli/commands/coverage/model";
import { judgeForeign, judgeNeverSeen } from "../../cli/commands/doctor/checks/agents";
import { type Alert, judgeAlerts, judgeRules, type RuleGroup } from "../../cli/commands/doctor/checks/alerts";
import { judgeBuckets, keysOf } from "../../cli/commands/doctor/checks/buckets";
import { judgeCoverage } from "../../cli/commands/doctor/checks/coverage";
import { judgeForecast } from "../../cli/commands/doctor/checks/forecast";
import { judgeClients, judgeLog } from "../../cli/commands/doctor/checks/gateways";
import { judgePolicies, type Policy, policiesFrom } from "../../cli/commands/doctor/checks/policies";
import { judgeRing, rings } from "../../cli/commands/doctor/checks/rings";
import { judgeSending } from "../../cli/commands/doctor/checks/sending";
import { judgeThreshold, thresholds } from "../../cli/commands/doctor/checks/thresholds";
import { age } from "../../cli/commands/doctor/cluster-state";
import { growth, metrics, type Reading, total } from "../../cli/commands/doctor/readings";
import { type NamespaceKey, stores } from "../../names";
import { selects } from "../../policies/selectors";
import type { Settings } from "../../settings";
import { type Credential, credentialKeys, gatewayClients, gatewayUsersFile } from "../../values/gateway";
import { networkPolicies } from "../../values/network-policies";
import { namespaces } from "../support/names";
import { settingsOf } from "../support/stacks";

const settings = settingsOf("dev");
const start = 1_800_000_000_000;
const later = start + 3_600_000;

/** A pod that is ready, and runs since `start`. */
const podNamed = (name: string): V1Pod => ({
  metadata: { name },
  status: {
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [
      {
        name: "a",
        image: "",
        imageID: "",
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: new Date(start) } },
      },
    ],
  },
});

/** A reading of two pages. */
const reading = (
  key: Reading["key"],
  before: string,
  after: string,
  fields: Partial<Reading> = {},
): Reading => ({
  key,
  namespace: key,
  pod: `${key}-0`,
  age: 3600,
  now: metrics(after),
  grown: growth(metrics(before), metrics(after)),
  ...fields,
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
  it("counts a pod's age from the last start of a container that runs", () => {
    const pod = podNamed("a");
    expect(age(pod, later)).to.equal(3600);
    const crashing = { ...pod, status: { containerStatuses: [] } };
    expect(age(crashing, later)).to.be.above(3600);
  });

  it("judges rings by members, quorum and pods that are not in them", () => {
    const ring = rings(settingsOf("prod")).find(
      ({ store, name }) => store === "mimir" && name === "ingester",
    );
    if (!ring) throw new Error("no ring");
    expect(ring.needs).to.equal(2);
    const pods = [0, 1, 2].map((n) => podNamed(`mimir-ingester-${n}`));
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
    const clients = Object.entries(gatewayClients(settings)) as [NamespaceKey, Credential[]][];
    const secret = (key: NamespaceKey, name: string, texts: Record<string, string>): V1Secret => {
      const data = Object.entries(texts).map(([file, text]) => [file, Buffer.from(text).toString("base64")]);
      return { metadata: { namespace: namespaces[key], name }, data: Object.fromEntries(data) };
    };
    /** The Secrets of gateways and clients, with a change to those of a client. */
    const secrets = (changed = "", change = {}) => [
      ...stores.map((store) => {
        const users = clients.flatMap(([, all]) => all.filter((one) => one[0] === store));
        const passwords = Object.fromEntries(users.map((one) => [one[1], [`+${one.join(" ")}`, "old"]]));
        return secret(store, "gateway-users", { "users.conf": gatewayUsersFile(passwords) });
      }),
      ...clients.map(([key, all]) => {
        const passwords = all.map((one) => [credentialKeys(...one).password, `+${one.join(" ")}`]);
        const texts = { ...Object.fromEntries(passwords), ...(namespaces[key] === changed && change) };
        return secret(key, "gateway-credentials", texts);
      }),
    ];
    const own = (change: string) => ({ [credentialKeys("loki", "logs-write").password]: change });
    expect(judgeClients(settings, secrets())).to.deep.equal([]);
    expect(whats(judgeClients(settings, secrets("alloy-logs", own("wrong"))))).to.equal(
      "the gateway of loki rejects logs-write with the password that alloy-logs has",
    );
    // During a rotation the gateway accepts two passwords.
    expect(judgeClients(settings, secrets("alloy-logs", own("old")))).to.deep.equal([]);
    expect(whats(judgeClients(settings, secrets("alloy-logs", own(""))))).to.match(
      /^Secret alloy-logs\/gateway-credentials lacks the password of logs-write for the gateway of loki$/,
    );
    expect(judgeClients(settings, []).length).to.be.greaterThan(4);
    const pod = { metadata: { namespace: "alloy-logs", name: "alloy-1" }, status: { podIP: "10.0.0.9" } };
    const log = [
      '10.0.0.9 [23/Nov/2026:15:22:57 +0000] 401 "POST /loki/api/v1/push HTTP/1.1" 11  "Alloy/v1"',
      '10.0.0.9 [23/Nov/2026:15:22:58 +0000] 401 "POST /loki/api/v1/push HTTP/1.1" 11  "Alloy/v1"',
      '10.0.0.9 [23/Nov/2026:15:22:58 +0000] 500 "POST /loki/api/v1/push HTTP/1.1" 11 logs-write "Alloy/v1"',
      '127.0.0.1 [23/Nov/2026:15:22:58 +0000] 401 "GET /loki/api/v1/push HTTP/1.1" 11  "node"',
    ].join("\n");
    const [refused, ...rest] = judgeLog("loki", log, [pod]);
    expect(rest).to.deep.equal([]);
    expect(refused?.what).to.match(/the gateway of loki does not know as whom alloy-logs\/alloy-1 comes/);
    expect(refused?.evidence).to.match(/^2 times 401 to POST/);
  });
});

describe("doctor: storage", () => {
  it("names the reason for which a bucket cannot be read, once for a user", () => {
    const look = (bucket: string, code?: string) => ({
      consumer: "mimir" as const,
      secret: "b-mimir/mimir-s3",
      bucket,
      code,
      message: "no",
    });
    expect(judgeBuckets([look("a")], "minio")).to.deep.equal([]);
    const wrong = judgeBuckets(
      [look("a", "SignatureDoesNotMatch"), look("b", "SignatureDoesNotMatch")],
      "minio",
    );
    expect(whats(wrong)).to.equal("the secret key in Secret b-mimir/mimir-s3 is wrong");
    expect(wrong[0]).to.include({ severity: "critical", layer: "storage" });
    expect(judgeBuckets([look("a", "InvalidAccessKeyId")], "external")[0]?.fix).to.include(
      "objectStorage.external.mimir",
    );
    expect(whats(judgeBuckets([look("a", "NoSuchBucket"), look("b", "AccessDenied")], "minio"))).to.equal(
      "bucket a of mimir does not exist\nthe user in Secret b-mimir/mimir-s3 may not read bucket b",
    );
  });

  it("reads a user's keys in its namespace, which may have a prefix", () => {
    const secret = (namespace: string, data: Record<string, string>): V1Secret => ({
      metadata: { namespace, name: "loki-s3" },
      data,
    });
    const keys = { S3_ACCESS_KEY: "YQ==", S3_SECRET_KEY: "Yg==" };
    const prefixed = settingsOf("dev", { namespaces: { prefix: "b-" } });
    const both = [secret("loki", {}), secret("b-loki", keys)];
    expect(keysOf(prefixed, both, "loki")).to.deep.equal({ accessKey: "a", secretKey: "b" });
    expect(() => keysOf(settings, both, "loki"))
      .to.throw()
      .with.property("code", "NoSecret");
  });

  it("warns of the bucket that is full first, if that is within 30 days", () => {
    const gib = 1024 ** 3;
    const at = (days?: number, quota?: number) => {
      const bucket = (name: string, daysUntilFull?: number) => ({
        ...{ bucket: name, objects: 1, bytes: gib, growthPerDay: gib },
        ...{ quota, daysUntilFull },
      });
      return judgeForecast([bucket("tempo", 29.5), bucket("loki", days), bucket("mimir")], 20 * gib)[0];
    };
    expect(at(20)).to.include({
      severity: "warning",
      what: "the object storage is full in 20 days at the present growth",
      evidence: "the buckets grow by 3Gi a day, and 20Gi are free",
    });
    expect(at(20, gib)).to.include({
      what: "bucket loki is full in 20 days at the present growth",
      evidence: "it grows by 1Gi a day, and its quota is 1Gi",
    });
    expect(at()?.what).to.include("full in 29 days");
    expect(judgeForecast([], 20 * gib)).to.deep.equal([]);
  });
});

describe("doctor: signals", () => {
  it("reports series past a threshold, with the setting that raises the limit", () => {
    const of = (metric: string, labels: Record<string, string>, value: number) => {
      const found = thresholds(settings).filter(({ promql }) => promql.includes(metric));
      return found.map((one) => judgeThreshold(one, [{ labels, value }])[0]);
    };
    const disk = (value: number) =>
      of("wal_disk_usage", { namespace: "loki", pod: "loki-ingester-0" }, value)[0];
    expect(disk(0.85)).to.include({ severity: "warning", layer: "cluster" });
    expect(disk(1)).to.include({ severity: "critical" });
    expect(disk(1)?.what).to.equal("the volume of the WAL of loki/loki-ingester-0 is 100 % full");
    expect(of("quota", { bucket: "loki" }, 0.92)[0]?.what).to.equal("bucket loki has 92 % of its quota");
    expect(of("live_traces", { tenant: "traces" }, 0.85)[0]?.fix).to.match(
      /^raise tempo\.limits\.liveTraces,/,
    );
    const target = { namespace: "tempo", pod: "tempo-distributor-0", job: "tempo/distributor" };
    expect(of("up{", target, 0).map((one) => one?.what)).to.deep.equal([
      "Prometheus cannot scrape tempo/tempo-distributor-0 (job tempo/distributor)",
      "Alloy cannot scrape tempo/tempo-distributor-0 (job tempo/distributor)",
    ]);
  });

  it("names the settings of an agent's limits in the hub", () => {
    const fixOf = (all: Settings, tenant: string) =>
      thresholds(all)
        .filter(({ promql }) => promql.includes("live_traces"))
        .flatMap((one) => judgeThreshold(one, [{ labels: { tenant }, value: 0.9 }]))[0]?.fix;
    const hub = { ...settings, agents: { "eu-1": {} } };
    expect(fixOf(hub, "eu-1")).to.match(/^raise agents\.eu-1\.tempo\.liveTraces,/);
    expect(fixOf(hub, "traces")).to.match(/^raise tempo\.limits\.liveTraces,/);
  });

  it("reports rejected data by tenant and reason, also while its alert is pending", () => {
    const alert = (user: string, reason: string): Alert => ({
      labels: { alertname: "MetricsRejected", severity: "warning", team: "observability", user, reason },
      annotations: { summary: "Mimir rejects metrics", description: `of tenant ${user}: ${reason}` },
      state: "pending",
      activeAt: "2026-01-01T00:00:00Z",
    });
    const alerts = [alert("pods", "rate_limited"), alert("nodes", "rate_limited"), alert("pods", "other")];
    const found = judgeAlerts(settings, [{ name: "g", rules: [{ name: "a", health: "ok", alerts }] }]);
    expect(found.map(({ severity, evidence }) => [severity, evidence.split("Z: ")[1]])).to.deep.equal([
      ["warning", "of tenant pods: rate_limited"],
      ["warning", "of tenant nodes: rate_limited"],
      ["warning", "of tenant pods: other"],
    ]);
    expect(found[0]).to.include({
      what: "alert MetricsRejected is pending: Mimir rejects metrics",
      page: "docs/operations/runbooks/MetricsRejected.md",
    });
  });

  it("tells metrics that are refused or late, but not of one that just started", () => {
    const name = (what: string) => `prometheus_remote_storage_${what}`;
    const page = (failed: number, sent: number) =>
      `${name("samples_failed_total")} ${failed}\n${name("highest_timestamp_in_seconds")} 1800003600\n${name("queue_highest_sent_timestamp_seconds")} ${sent}\n`;
    const of = (fields: Partial<Reading>, failed: number, sent: number) =>
      judgeSending(settings, reading("alloyMetrics", page(0, 0), page(failed, sent), fields));
    expect(of({}, 0, 1_800_003_590)).to.deep.equal([]);
    expect(whats(of({}, 7, 1_800_003_590))).to.include("rejects metrics of alloy");
    expect(of({}, 0, 1_800_003_000)[0]).to.include({ severity: "warning" });
    expect(of({}, 0, 1_800_001_000)[0]).to.include({ severity: "critical" });
    expect(of({ age: 5 }, 0, 1_800_003_000)).to.deep.equal([]);
  });

  it("tells logs and traces that are dropped, and queues that fill", () => {
    const dropped = (n: number) => `otelcol_exporter_send_failed_log_records_total ${n}`;
    const logs = reading("alloyLogs", dropped(1), dropped(4));
    expect(whats(judgeSending(settings, logs))).to.include("drops logs: loki rejects them");
    const points = (n: number) => `otelcol_exporter_enqueue_failed_metric_points_total ${n}`;
    const [otlp] = judgeSending(settings, reading("alloyTraces", points(1), points(4)));
    expect(otlp?.what).to.include("drops OTLP metrics: mimir rejects them");
    expect(otlp?.page).to.equal("docs/operations/runbooks/MetricsDropped.md");
    const page =
      'otelcol_exporter_queue_size{data_type="traces"} 600\notelcol_exporter_queue_capacity{data_type="traces"} 1000';
    const traces = reading("alloyTraces", page, page);
    expect(whats(judgeSending(settings, traces))).to.include("60 % full");
  });

  it("lists agents that never sent as a note, and says where to install them", () => {
    const [never] = judgeNeverSeen(["eu-1"]);
    expect(never).to.deep.include({ severity: "note", what: "agent eu-1 has never sent a sample" });
    expect(never?.fix).to.include("./obs up for the stack of cluster eu-1");
    expect(judgeNeverSeen([])).to.deep.equal([]);
  });

  it("warns of an agent whose traces name another cluster", () => {
    expect(judgeForeign("eu-1", ["eu-1"])).to.deep.equal([]);
    const [foreign] = judgeForeign("eu-1", ["eu-1", "us-1"]);
    expect(foreign?.what).to.equal("agent eu-1 writes traces as cluster us-1");
  });

  it("names the hub in the fix for an agent that does not send", () => {
    const agent = { ...settings, hub: { stack: "organization/observability/prod" } };
    const name = "prometheus_remote_storage_samples_failed_total";
    const one = reading("alloyMetrics", `${name} 0`, `${name} 7`);
    const [refused] = judgeSending(agent, one);
    expect(refused?.severity).to.equal("critical");
    expect(refused?.fix).to.match(/^run the doctor for organization\/observability\/prod/);
    expect(judgeSending(settings, one)[0]?.fix).to.include("kubectl -n mimir logs deploy/mimir-gateway");
  });

  it("reports alerts of the stack, those of the cluster as notes, and no others", () => {
    const alert = (name: string, labels: Record<string, string>, state = "firing") => ({
      name,
      health: "ok",
      alerts: [
        {
          labels: { alertname: name, ...labels },
          annotations: { summary: `${name} happened`, runbook_url: `https://runbooks.test/${name}` },
          state,
          activeAt: "2026-01-01T00:00:00.123Z",
        },
      ],
    });
    const own = { team: "observability", namespace: "loki" };
    const found = (...rules: RuleGroup["rules"]) => judgeAlerts(settings, [{ name: "g", rules }]);
    const [one, ...others] = found(
      alert("LogsDropped", { ...own, severity: "critical" }),
      alert("LogsDropped", { ...own, severity: "critical" }),
      alert("Watchdog", { severity: "none" }),
      alert("KubePodNotReady", { namespace: "shop", severity: "warning" }),
    );
    expect(others).to.deep.equal([]);
    expect(one).to.include({
      severity: "critical",
      layer: "signals",
      what: "alert LogsDropped fires: LogsDropped happened",
      evidence: "since 2026-01-01T00:00:00Z: LogsDropped happened; 1 more like it",
      page: "docs/operations/runbooks/LogsDropped.md",
    });
    expect(one?.fix).to.include("https://runbooks.test/LogsDropped");
    const both = (state?: string) =>
      found(
        alert("LogsDropped", { ...own, severity: "warning" }),
        alert("LogsDropped", { ...own, severity: "critical" }, state),
        alert("LogsDropped", { ...own, severity: "warning", namespace: "tempo" }),
      ).map((each) => each.severity);
    expect(both()).to.deep.equal(["critical", "warning"]);
    expect(both("pending")).to.deep.equal(["warning", "note"]);
    const severity = (labels: Record<string, string>, state?: string) =>
      found(alert("A", labels, state))[0]?.severity;
    expect(severity({ ...own, severity: "critical" }, "pending")).to.equal("note");
    expect(severity({ namespace: "mimir", severity: "warning" })).to.equal("warning");
    expect(severity({ namespace: "monitoring", severity: "warning" })).to.equal("note");
    expect(severity({ namespace: "monitoring", severity: "warning" }, "pending")).to.equal(undefined);
    expect(severity({ severity: "critical" })).to.equal("critical");
    expect(severity({ namespace: "kube-system", severity: "critical" })).to.equal(undefined);
  });

  it("names the agent whose cluster an alert is about, and compares severities only within a cluster", () => {
    const hub = settingsOf("dev", { access: { ingress: { domain: "hub.test" } }, agents: { "eu-1": {} } });
    const alert = (cluster: string, severity: string) => ({
      name: "LogsDropped",
      health: "ok",
      alerts: [
        {
          labels: { alertname: "LogsDropped", team: "observability", cluster, severity },
          annotations: {},
          state: "firing",
          activeAt: "2026-01-01T00:00:00Z",
        },
      ],
    });
    const rules = [alert("eu-1", "warning"), alert("dev", "critical")];
    expect(
      judgeAlerts(hub, [{ name: "g", rules }]).map(({ severity, what }) => [severity, what]),
    ).to.deep.equal([
      ["warning", "alert LogsDropped fires in eu-1: "],
      ["critical", "alert LogsDropped fires: "],
    ]);
  });

  it("reports rules that cannot be evaluated", () => {
    const rules = [
      { name: "a", health: "ok" },
      { name: "b", health: "err", lastError: "many-to-many" },
    ];
    const [one] = judgeRules("Prometheus", [{ name: "g", rules }], "docs/x.md");
    expect(one?.what).to.equal("Prometheus cannot evaluate 1 of 2 rules of group g");
    expect(one?.evidence).to.include("many-to-many");
  });
});

describe("doctor: network policies", () => {
  const pod = (component: string): V1Pod => ({
    metadata: { namespace: "loki", name: component, labels: { "app.kubernetes.io/component": component } },
  });
  const pods = [pod("gateway"), pod("distributor")];
  const others = (name: string, spec: object): Policy => ({
    metadata: { namespace: "loki", name },
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/component": "distributor" } },
      policyTypes: ["Ingress"],
      ...spec,
    },
  });
  const strict = { ...settings, network: { ...settings.network, policies: true } };
  /** The stack's policies, as the client returns them; one may be changed or left out. */
  const own = (change: (spec: Policy["spec"]) => Policy["spec"] | undefined = (spec) => spec) => {
    const policies = networkPolicies(strict).flatMap(({ metadata, spec }) => {
      const { ingress, ...rest } = (metadata.name === "loki" ? change(spec) : spec) ?? {};
      // The API leaves empty lists out.
      const rules = ingress?.map(({ from, ...rule }: { from?: unknown }) => ({ _from: from, ...rule }));
      return "podSelector" in rest
        ? [{ metadata, spec: { ...rest, ...(rules?.length && { ingress: rules }) } }]
        : [];
    });
    return policiesFrom(policies as V1NetworkPolicy[]);
  };

  it("selects labels by every operator of a selector", () => {
    const labels = { app: "a", tier: "b" };
    const meets = (operator: string, key: string, values?: string[]) =>
      selects({ matchExpressions: [{ key, operator, ...(values && { values }) }] }, labels);
    expect([meets("In", "app", ["a"]), meets("In", "app", ["b"]), meets("In", "x", ["a"])]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect([meets("NotIn", "app", ["a"]), meets("NotIn", "x", ["a"])]).to.deep.equal([false, true]);
    expect([meets("Exists", "app"), meets("Exists", "x")]).to.deep.equal([true, false]);
    expect([meets("DoesNotExist", "app"), meets("DoesNotExist", "x")]).to.deep.equal([false, true]);
    expect([selects({}, labels), selects({ matchLabels: { app: "b" } }, labels)]).to.deep.equal([
      true,
      false,
    ]);
  });

  it("names others' policies that block pods of a stack without its own", () => {
    expect(judgePolicies(settings, [], pods)).to.deep.equal([]);
    const [deny, ...rest] = judgePolicies(settings, [others("somebodys", {})], pods);
    expect(rest).to.deep.equal([]);
    expect(deny).to.include({ severity: "critical", layer: "network" });
    expect(deny?.what).to.equal("NetworkPolicy loki/somebodys blocks every connection to loki/distributor");
    expect(deny?.fix).to.include("kubectl -n loki describe networkpolicy somebodys");
    // A policy with a rule may allow all that is needed.
    const some = others("some", { ingress: [{ from: [{ podSelector: {} }] }] });
    const [restricts] = judgePolicies(settings, [some, others("somebodys", {})], pods);
    expect(restricts).to.include({
      severity: "warning",
      what: "NetworkPolicy loki/some, loki/somebodys restricts connections to loki/distributor",
    });
    const outward = others("out", { podSelector: {}, policyTypes: ["Egress"], egress: [] });
    expect(whats(judgePolicies(settings, [outward], pods))).to.equal(
      "NetworkPolicy loki/out blocks every connection from loki/gateway and 1 more pods",
    );
    const elsewhere = { ...others("x", {}), metadata: { namespace: "shop", name: "x" } };
    expect(judgePolicies(settings, [elsewhere], pods)).to.deep.equal([]);
    // If the stack has its own, a policy of others only allows more.
    expect(judgePolicies(strict, [...own(), others("somebodys", {})], pods)).to.deep.equal([]);
  });

  it("says which of the stack's own is gone or changed, and nothing where all are there", () => {
    expect(judgePolicies(strict, own(), pods)).to.deep.equal([]);
    const [gone, ...none] = judgePolicies(
      strict,
      own(() => undefined),
      pods,
    );
    expect(none).to.deep.equal([]);
    expect(gone?.severity).to.equal("critical");
    expect(gone?.what).to.match(/NetworkPolicy loki\/loki is gone/);
    const [narrow] = judgePolicies(
      strict,
      own((spec) => ({ ...spec, ingress: spec.ingress?.slice(1) ?? [] })),
      pods,
    );
    expect(narrow).to.include({
      severity: "critical",
      what: "NetworkPolicy loki/loki was changed: it blocks connections that the stack needs",
    });
    expect(narrow?.evidence).to.match(/^its spec lacks ingress \{"from":\[/);
    const [deselected] = judgePolicies(
      strict,
      own((spec) => ({ ...spec, podSelector: { matchLabels: { a: "b" } } })),
      pods,
    );
    expect(deselected).to.include({ severity: "critical", evidence: "its spec lacks podSelector {}" });
    const [wide] = judgePolicies(
      strict,
      own((spec) => ({ ...spec, ingress: [...(spec.ingress ?? []), {}] })),
      pods,
    );
    expect(wide).to.include({
      severity: "warning",
      what: "NetworkPolicy loki/loki was changed: it allows connections that the stack does not need",
      evidence: "its spec also has {}",
    });
    // Without any policy nothing is blocked, and everything is open.
    const [open, ...more] = judgePolicies(strict, [], pods);
    expect(more).to.deep.equal([]);
    expect(open?.severity).to.equal("warning");
    expect(open?.what).to.include("NetworkPolicies of the stack do not exist: ").and.to.include("loki/loki");
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
