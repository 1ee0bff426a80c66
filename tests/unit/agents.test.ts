/** Many clusters: what a hub gives its agents, and what an agent installs. */
import { expect } from "chai";
import { checks as doctorChecks, ofHub } from "../../cli/commands/doctor";
import { resolvedHost } from "../../cli/commands/doctor/checks/dns";
import { type Recording, recordProgram } from "../../cli/lib/record";
import { readHub } from "../../components/hub";
import { stores } from "../../names";
import { parseSettings, readSettings } from "../../settings";
import { gatewayUsers } from "../../values/gateway";
import { grafanaDatasources } from "../../values/grafana-datasources";
import { lokiConfiguration } from "../../values/loki-configuration";
import { mimirOverrides } from "../../values/mimir-configuration";
import { networkPolicies } from "../../values/network-policies";
import { tenantOverrides } from "../../values/tempo-configuration";
import { type Config, errorOf, recordingOf, settingsOf, withoutMirror } from "../support/stacks";

/** A hub of two agents. */
const hub: Config = {
  agents: {
    "eu-1": { mimir: { series: 500_000, retention: "90d" }, loki: { ingestionRate: "5MB/s" } },
    "us-1": { tempo: { rate: "2MB/s" } },
  },
  access: { ingress: { domain: "hub.stack.test", className: "nginx", tlsSecret: "gateway-tls" } },
};

const ofType = ({ resources }: Recording, type: string) => resources.filter((one) => one.type === type);
const problemsOf = (config: Config) =>
  errorOf(() => settingsOf("prod", config)).problems.map(({ path, allowed }) => `${path}: ${allowed}`);

describe("unit: a hub", function () {
  this.timeout(60_000);
  it("has a reader and a writer for each agent's one tenant, and a reader of all clusters", () => {
    const own = { loki: "logs", mimir: "pods|nodes", tempo: "traces" };
    for (const store of stores) {
      const users = gatewayUsers(store, settingsOf("prod", hub));
      for (const agent of ["eu-1", "us-1"])
        expect(users.filter(({ tenant }) => tenant === agent)).to.deep.equal([
          { name: `${agent}-read`, tenant: agent, role: "read" },
          { name: `${agent}-write`, tenant: agent, role: "write" },
        ]);
      expect(users.filter(({ name }) => name === "all.clusters-read")).to.deep.equal([
        { name: "all.clusters-read", tenant: `${own[store]}|eu-1|us-1`, role: "read" },
      ]);
      expect(gatewayUsers(store, settingsOf("prod")).some(({ name }) => name.includes("clusters"))).to.equal(
        false,
      );
    }
  });

  it("limits each agent, and keeps it from writing as another cluster", () => {
    const settings = settingsOf("prod", hub);
    // The rules of its whole cluster are in its tenant.
    const rules = { ruler_max_rules_per_rule_group: 0, ruler_max_rule_groups_per_tenant: 0 };
    expect(mimirOverrides(settings)).to.deep.include({
      "eu-1": {
        ...rules,
        max_global_series_per_user: 500_000,
        compactor_blocks_retention_period: "2160h",
        metric_relabel_configs: [{ target_label: "cluster", replacement: "eu-1" }],
      },
      "us-1": { ...rules, metric_relabel_configs: [{ target_label: "cluster", replacement: "us-1" }] },
    });
    expect(lokiConfiguration(settings)["runtimeConfig"]).to.deep.equal({
      overrides: { "eu-1": { per_stream_rate_limit: "5242880B", ingestion_rate_mb: 5 }, "us-1": {} },
    });
    // Metrics of its spans are its own to make: Tempo would write them to the hub's tenant.
    const { "us-1": us, "eu-1": eu } = tenantOverrides(settings);
    for (const one of [us, eu]) expect(one?.metrics_generator.processors).to.deep.equal([]);
    expect(us?.ingestion?.rate_limit_bytes).to.equal(2 * 1024 ** 2);
  });

  it("shows all clusters in one datasource for each signal, and each cluster in one of its own", () => {
    const { datasources } = grafanaDatasources(settingsOf("prod", hub)) as {
      datasources: { name: string; basicAuthUser?: string }[];
    };
    const users = Object.fromEntries(datasources.map(({ name, basicAuthUser }) => [name, basicAuthUser]));
    expect(users).to.include({
      Mimir: "all.clusters-read",
      Loki: "all.clusters-read",
      Tempo: "all.clusters-read",
      "Mimir eu-1": "eu-1-read",
      "Loki logs": "logs-read",
      "Loki eu-1": "eu-1-read",
      "Alertmanager of Mimir eu-1": "eu-1-read",
    });
    expect(lokiConfiguration(settingsOf("prod", hub))["querier"]).to.include({
      multi_tenant_queries_enabled: true,
    });
  });

  it("is reached through an Ingress with TLS for each gateway, which lets large pushes pass", async () => {
    const made = ofType(await recordingOf("dev", hub), "kubernetes:networking.k8s.io/v1:Ingress");
    expect(made.map(({ inputs }) => inputs["metadata"])).to.deep.equal(
      stores.map((store) => ({
        name: `${store}-gateway`,
        namespace: store,
        annotations: { "nginx.ingress.kubernetes.io/proxy-body-size": "100m" },
      })),
    );
    expect(made[0]?.inputs["spec"]).to.deep.equal({
      ingressClassName: "nginx",
      tls: [{ hosts: ["loki.hub.stack.test"], secretName: "gateway-tls" }],
      rules: [
        {
          host: "loki.hub.stack.test",
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name: "loki-gateway", port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    });
  });

  it("outputs to its agents, as one secret, where they send and their own passwords", async () => {
    const { outputs } = await recordingOf("dev", hub);
    const { value, secret } = outputs["agents"] ?? {};
    expect(secret).to.equal(true);
    expect(Object.keys(value as object)).to.deep.equal(["eu-1", "us-1"]);
    expect((value as Record<string, unknown>)["eu-1"]).to.deep.equal({
      endpoints: {
        loki: "https://loki.hub.stack.test",
        mimir: "https://mimir.hub.stack.test",
        tempo: "https://tempo.hub.stack.test",
      },
      grafanaUrl: "http://localhost:3000",
      passwords: { loki: "[generated]", mimir: "[generated]", tempo: "[generated]" },
    });
    expect((await recordingOf("dev")).outputs).not.to.have.property("agents");
  });

  it("is refused without an address for its agents, and with agents that are itself", () => {
    expect(problemsOf({ agents: { "eu-1": {} } })).to.deep.equal([
      "access.ingress: the domain of an Ingress, or access.endpoints instead, because agents reach the gateways from other clusters",
    ]);
    const access = hub["access"];
    for (const name of ["pods", "logs", "traces", "rollup-5m", "prod"])
      expect(problemsOf({ access, agents: { [name]: {} } })[0], name).to.match(
        new RegExp(`^agents\\.${name}: nothing: `),
      );
    const endpoints = {
      loki: "http://10.0.0.1:30100",
      mimir: "https://mimir.test",
      tempo: "https://t.test/x",
    };
    expect(problemsOf({ access: { endpoints }, agents: { "eu-1": {} } })).to.deep.equal([
      "access.endpoints.loki: an https:// URL, because requests carry passwords",
    ]);
  });
});

describe("unit: an agent", function () {
  this.timeout(60_000);
  const given = {
    environment: "prod",
    cluster: { name: "eu-1" },
    hub: { stack: "organization/observability/prod" },
  };
  const text = (config: Config) =>
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        `observability:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    );
  // biome-ignore lint/suspicious/noExplicitAny: tests look deep into values
  type Any = any;
  let agent: Recording;
  before(async () => {
    agent = await withoutMirror(() => recordProgram("eu-1", text(given)));
  });
  const valuesOf = (release: string): Any =>
    ofType(agent, "kubernetes:helm.sh/v3:Release").find(({ name }) => name === release)?.inputs["values"];
  const environmentOf = (release: string): Record<string, string> =>
    Object.fromEntries(valuesOf(release).alloy.extraEnv.map(({ name, value }: Any) => [name, value]));

  it("installs collectors, exporters and the operator, and no store, Grafana, Prometheus or Alertmanager", () => {
    expect(ofType(agent, "kubernetes:helm.sh/v3:Release").map(({ name }) => name)).to.have.members([
      "kps-crds",
      "kps",
      "alloy-logs",
      "alloy-metrics",
      "alloy-traces",
      "opentelemetry-operator",
    ]);
    expect(valuesOf("kps")).to.deep.include({
      prometheus: { enabled: false },
      alertmanager: { enabled: false },
    });
    expect(valuesOf("kps").defaultRules.disabled).to.deep.equal({ Watchdog: true });
    expect(ofType(agent, "kubernetes:core/v1:Namespace").map(({ name }) => name)).to.have.members([
      "monitoring",
      "alloy-logs",
      "alloy-metrics",
      "alloy-traces",
      "opentelemetry",
    ]);
  });

  it("sends every signal to the hub as the one user that writes its tenant", () => {
    const [logs, metrics, traces] = ["alloy-logs", "alloy-metrics", "alloy-traces"].map(environmentOf);
    expect(logs).to.include({
      LOKI_URL: "https://loki.hub.invalid",
      LOKI_USER: "eu-1-write",
      LOKI_PASSWORD_FILE: "/etc/gateway/loki-eu-1-write.password",
      CLUSTER: "eu-1",
    });
    // The hub has no autoscaler for it.
    expect(valuesOf("alloy-metrics").controller).to.deep.include({
      replicas: 3,
      autoscaling: { horizontal: { externalHPA: false } },
    });
    expect(metrics).to.include({ MIMIR_URL: "https://mimir.hub.invalid", LOKI_USER: "eu-1-write" });
    expect(traces).to.include({ TEMPO_URL: "https://tempo.hub.invalid", TEMPO_USER: "eu-1-write" });
    for (const environment of [metrics, traces])
      expect(JSON.parse(environment?.["WRITERS"] ?? "")).to.deep.equal({
        pods: "eu-1-write",
        nodes: "eu-1-write",
      });
    // All rules of the cluster are evaluated at the hub, and alerts name the cluster.
    expect(JSON.parse(metrics?.["LOADED_RULES"] ?? "")).to.deep.equal([
      { tenant: "eu-1", selector: {}, labels: { cluster: "eu-1" } },
    ]);
  });

  it("has its passwords in Secrets of its collectors alone", () => {
    const secrets = ofType(agent, "kubernetes:core/v1:Secret");
    expect(secrets.map(({ name }) => name)).to.have.members([
      "alloyLogs-gateway-credentials",
      "alloyMetrics-gateway-credentials",
      "alloyTraces-gateway-credentials",
    ]);
    const others = agent.resources.filter(({ type }) => type !== "kubernetes:core/v1:Secret");
    expect(JSON.stringify([others, agent.outputs])).not.to.include("[generated]");
    expect(secrets[0]?.inputs["stringData"]).to.deep.equal({
      "loki-eu-1-write.username": "eu-1-write",
      "loki-eu-1-write.password": "[generated]",
    });
  });

  it("may connect to the hub, and has no NetworkPolicies of what it does not install", () => {
    const settings = readSettings("eu-1", text(given));
    const endpoints = {
      loki: "https://loki.test:8443",
      mimir: "https://mimir.test",
      tempo: "http://tempo-gateway.tempo.svc",
    };
    const policies = networkPolicies({ ...settings, hub: { ...given.hub, endpoints } });
    const egress = (name: string) =>
      policies.find(({ metadata }) => metadata.name === name)?.spec.egress?.map(({ ports }) => ports);
    expect(egress("alloy-logs")).to.deep.equal([[{ port: 8443, protocol: "TCP" }]]);
    expect(policies.map(({ metadata }) => metadata.name)).not.to.include.members(["prometheus"]);
    expect(new Set(policies.map(({ metadata }) => metadata.namespace))).to.deep.equal(
      new Set(["alloy-logs", "alloy-metrics", "alloy-traces", "monitoring", "opentelemetry"]),
    );
  });

  it("refuses settings of what its hub has, and metrics of spans that nobody would make", () => {
    const { message } = errorOf(() => parseSettings("eu-1", { ...given, loki: { ingestionRate: "5MB/s" } }));
    expect(message).to.include("loki: must not be set, because this stack has a hub");
    const problems = (more: Config) =>
      errorOf(() => parseSettings("eu-1", { ...given, ...more })).problems.map(({ path }) => path);
    expect(problems({ loki: { ingestionRate: "5MB/s" }, alerting: {} })).to.deep.equal(["loki", "alerting"]);
    expect(problems({ tracing: { metricsFrom: "tempo", sampling: { appliedBy: "sdk" } } })).to.deep.equal([
      "tracing.metricsFrom",
    ]);
  });

  it("sends passwords to other clusters by https alone in prod", () => {
    const endpoints = {
      loki: "http://10.0.0.1:30100",
      mimir: "https://mimir.test",
      tempo: "http://tempo-gateway.hub-tempo.svc",
    };
    const of = (environment: string) => () =>
      parseSettings("eu-1", { ...given, environment, hub: { ...given.hub, endpoints } });
    expect(errorOf(of("prod")).problems.map(({ path }) => path)).to.deep.equal(["hub.endpoints.loki"]);
    expect(of("dev")).not.to.throw();
  });

  it("is a stack with a hub; without one, and with the empty default of Pulumi.yaml, it is not", () => {
    const config = text({ environment: "dev", hub: {} });
    expect(readSettings("dev", config).hub).to.equal(undefined);
  });

  it("has a doctor without the checks of what it does not install, each of which exists", () => {
    const settings = readSettings("eu-1", text(given));
    const [all, own] = [doctorChecks(), doctorChecks(settings)].map((checks) =>
      checks.map(({ name }) => name),
    );
    expect(own?.length).to.equal((all?.length ?? 0) - ofHub.length);
    expect(own).to.include.members(["pods", "DNS", "sending"]).and.not.to.include("gateways");
    // The hub's addresses are in the outputs of its stack, which the doctor does not read.
    expect(resolvedHost(settings)).to.equal("alloy-traces.alloy-traces.svc");
  });

  it("stops before anything changes if its hub does not list it", async () => {
    const problem = async () => {
      const settings = parseSettings("eu-2", { ...given, cluster: { name: "eu-2" } });
      // The recording's hub lists eu-1 only.
      await recordProgram("eu-1", text(given), async () => {
        await readHub("eu-2", settings, given.hub);
        return {};
      });
    };
    const message = await problem().then(
      () => "accepted",
      (error: Error) => error.message,
    );
    expect(message).to.include('cluster.name: invalid value "eu-2"');
    expect(message).to.include(
      "must be the name of an agent of organization/observability/prod, which has eu-1",
    );
  });
});
