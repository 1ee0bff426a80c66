/** Multiple clusters: the credentials and limits that a hub gives its agents, and the components that an agent installs. */
import { expect } from "chai";
import { checks as doctorChecks, ofHub } from "../../cli/commands/doctor";
import { resolvedHost } from "../../cli/commands/doctor/checks/dns";
import { type Recording, recordProgram } from "../../cli/lib/record";
import type { AgentAccess } from "../../components/gateway-access";
import { accessFrom, readHub } from "../../components/hub";
import { stores } from "../../names";
import { agentCluster } from "../../policies/rules/telemetry";
import { subjectOf } from "../../policies/subjects";
import { parseSettings, readSettings } from "../../settings";
import { alertRules } from "../../values/alerts";
import { gatewayConnection, gatewayUsers } from "../../values/gateway";
import { gatewayConfiguration } from "../../values/gateway-nginx";
import { grafanaDatasources } from "../../values/grafana-datasources";
import { kubePrometheusStackValues } from "../../values/kube-prometheus-stack";
import { lokiConfiguration } from "../../values/loki-configuration";
import { mimirOverrides } from "../../values/mimir-configuration";
import { networkPolicies } from "../../values/network-policies";
import { probedCertificates } from "../../values/probed-certificates";
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
// biome-ignore lint/suspicious/noExplicitAny: tests read nested values
type Any = any;
const inputsOf = (recording: Recording, type: string): { name: string; inputs: Record<string, Any> }[] =>
  ofType(recording, type);
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
    const only = (cluster: string) => ({
      policy_stream_mapping: { own: [{ selector: `{cluster="${cluster}"}`, priority: 1 }] },
      block_ingestion_policy_until: { "*": "2200-01-01T00:00:00Z" },
    });
    const streams = { max_global_streams_per_user: 27_000 };
    expect(mimirOverrides(settings)).to.deep.include({
      "eu-1": {
        max_global_series_per_user: 500_000,
        compactor_blocks_retention_period: "2160h",
        metric_relabel_configs: [{ target_label: "cluster", replacement: "eu-1" }],
      },
      "us-1": { metric_relabel_configs: [{ target_label: "cluster", replacement: "us-1" }] },
    });
    expect(lokiConfiguration(settings)["runtimeConfig"]).to.deep.equal({
      overrides: {
        "eu-1": { ...only("eu-1"), ...streams, per_stream_rate_limit: "5242880B", ingestion_rate_mb: 5 },
        "us-1": { ...only("us-1"), ...streams },
      },
    });
    // The agent generates span metrics itself: Tempo would write them to the hub's tenant.
    const { "us-1": us, "eu-1": eu } = tenantOverrides(settings);
    for (const one of [us, eu]) expect(one?.metrics_generator.processors).to.deep.equal([]);
    expect(us?.ingestion?.rate_limit_bytes).to.equal(2 * 1024 ** 2);
  });

  it("evaluates over all of its clusters whether two have the same name", () => {
    const of = (config: Config) =>
      alertRules(settingsOf("prod", config)).find(
        ({ metadata }) => metadata.name === "observability-clusters",
      );
    const agents = { "eu-1": {}, "us-1": {}, "ap-1": { removed: "keepData" } };
    expect(of({ ...hub, agents })?.metadata).to.deep.include({
      labels: { "observability/mimir-tenant": "nodes" },
      annotations: { "monitoring.grafana.com/source_tenants": "nodes,eu-1,us-1" },
    });
    expect(of({}), "without agents").to.equal(undefined);
  });

  it("keeps or deletes the data of a removed agent, which can no longer write, without alerts about it", async () => {
    const gone = (removed: string) => ({ ...hub, agents: { "eu-1": { removed }, "us-1": {} } });
    for (const removed of ["keepData", "deleteData"]) {
      const settings = settingsOf("prod", gone(removed));
      for (const store of stores) {
        const names = gatewayUsers(store, settings).map(({ name }) => name);
        expect(names).to.include.members(["eu-1-read", "us-1-write", "all.clusters-read"]);
        expect(names).not.to.include("eu-1-write");
      }
      const stopped = {
        ruler_recording_rules_evaluation_enabled: false,
        ruler_alerting_rules_evaluation_enabled: false,
      };
      expect(mimirOverrides(settings)["eu-1"]).to.deep.include(stopped);
      expect(mimirOverrides(settings)["us-1"]).not.to.have.any.keys(stopped);
      expect(JSON.stringify(alertRules(settings)))
        .to.include('"labels":{"agent":"us-1"}')
        .and.not.include('"agent":"eu-1"');
      const recording = await recordingOf("prod", gone(removed));
      const { outputs } = recording;
      const [job, ...more] = inputsOf(recording, "kubernetes:batch/v1:Job");
      expect(more).to.deep.equal([]);
      expect(job?.inputs["metadata"]).to.deep.include({ namespace: "mimir" });
      expect(job?.inputs["spec"].template.spec.containers[0].args).to.deep.equal(["eu-1"]);
      const names = (grafanaDatasources(settings)["datasources"] as { name: string }[]).map(
        ({ name }) => name,
      );
      // A query would create its Alertmanager again.
      expect(names).to.include.members(["Mimir eu-1", "Alertmanager of Mimir us-1"]);
      expect(names).not.to.include("Alertmanager of Mimir eu-1");
      expect(Object.keys(outputs["agents"]?.value as object)).to.deep.equal(["us-1"]);
      const service = { type: "NodePort", clientCertificates: true };
      const endpoints = {
        loki: "https://10.0.0.1:30001",
        mimir: "https://10.0.0.1:30002",
        tempo: "https://10.0.0.1:30003",
      };
      expect(
        gatewayConfiguration(
          "loki",
          settingsOf("prod", { ...gone(removed), access: { service, endpoints } }),
        ),
      )
        .to.include('"CN=us-1:us-1-write" 0;')
        .and.not.include("CN=eu-1");
    }
    const kept = settingsOf("prod", gone("keepData"));
    const deleted = settingsOf("prod", gone("deleteData"));
    const retentionOf = (settings: typeof kept) => {
      const { overrides } = lokiConfiguration(settings)["runtimeConfig"] as {
        overrides: Record<string, object>;
      };
      return [
        mimirOverrides(settings)["eu-1"]?.["compactor_blocks_retention_period"],
        (overrides["eu-1"] as Record<string, unknown>)["retention_period"],
        tenantOverrides(settings)["eu-1"]?.compaction?.block_retention,
      ];
    };
    expect(retentionOf(kept).slice(0, 2)).to.deep.equal([undefined, undefined]);
    expect(retentionOf(deleted)).to.deep.equal(["1h", "24h", "1h"]);
  });

  it("shows all clusters in one data source for each signal, and each cluster in one of its own", () => {
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
      "Tempo traces": "traces-read",
      "Tempo eu-1": "eu-1-read",
      "Alertmanager of Mimir eu-1": "eu-1-read",
    });
    expect(lokiConfiguration(settingsOf("prod", hub))["querier"]).to.include({
      multi_tenant_queries_enabled: true,
    });
  });

  it("has dashboards of kube-prometheus-stack with a choice of clusters", () => {
    const shown = (config: Config) =>
      (kubePrometheusStackValues(settingsOf("prod", config)) as Any).grafana.sidecar.dashboards.multicluster;
    expect(shown(hub)).to.deep.equal({ global: { enabled: true } });
    expect(shown({})).to.equal(undefined);
  });

  it("has identifiers of data sources that Grafana accepts, however long the names of its clusters are", () => {
    const names = ["a", "b"].map((last) => last.padStart(63, "cluster-in-a-region-"));
    const agents = Object.fromEntries(names.map((name) => [name, {}]));
    const all = grafanaDatasources(settingsOf("prod", { ...hub, agents }))["datasources"] as Any[];
    const uids = all.map(({ uid }) => uid as string);
    expect(new Set(uids).size).to.equal(uids.length);
    for (const uid of uids) expect(uid).to.match(/^[\w-]{1,40}$/);
    const related = all.flatMap(({ jsonData }) => [
      jsonData.alertmanagerUid,
      jsonData.tracesToLogsV2?.datasourceUid,
      jsonData.serviceMap?.datasourceUid,
    ]);
    expect(uids).to.include.members(related.filter((uid) => uid !== undefined));
  });

  it("is reached through an Ingress with TLS for each gateway, which allows large pushes and long queries", async () => {
    const made = ofType(await recordingOf("dev", hub), "kubernetes:networking.k8s.io/v1:Ingress");
    expect(made.map(({ inputs }) => inputs["metadata"])).to.deep.equal(
      stores.map((store) => ({
        name: `${store}-gateway`,
        namespace: store,
        annotations: {
          "nginx.ingress.kubernetes.io/proxy-body-size": "100m",
          "nginx.ingress.kubernetes.io/proxy-read-timeout": "315",
        },
      })),
    );
    // CertificateExpiresSoon covers their certificates, on which every agent depends.
    const probed = (access: object) =>
      probedCertificates(settingsOf("dev", { ...hub, access })).map(({ address, to }) => [address, to]);
    expect(probed(hub["access"] as object)).to.deep.include.members(
      stores.map((store) => [`${store}.hub.stack.test:443`, "anywhere"]),
    );
    const [loki, mimir, tempo] = stores.map((store) => `https://hub.stack.test:8443/${store}`);
    expect(
      probed({ endpoints: { loki, mimir, tempo } }).filter(([address]) => address?.startsWith("hub.")),
    ).to.deep.equal([["hub.stack.test:8443", "anywhere"]]);
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

  it("outputs the endpoints and passwords of its agents as one secret", async () => {
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
      generation: 1,
      client: { certificate: "[certificate]", key: "[generated]", expires: "2100-01-01T00:00:00Z" },
    });
    expect((await recordingOf("dev")).outputs).not.to.have.property("agents");
  });

  const nodePorts = {
    endpoints: {
      loki: "https://10.0.0.1:30443",
      mimir: "https://10.0.0.1:30444",
      tempo: "https://hub.stack.test:30445",
    },
    service: { type: "NodePort", clientCertificates: true },
  };

  it("is reached through node ports with certificates of its own CA", async () => {
    const recording = await recordingOf("dev", { agents: { "eu-1": {} }, access: nodePorts });
    const made = inputsOf(recording, "kubernetes:core/v1:Service").filter(({ name }) =>
      name.startsWith("gateway-"),
    );
    expect(
      made.map(({ inputs }) => [inputs["metadata"].name, inputs["spec"].ports[0].nodePort]),
    ).to.deep.equal([
      ["loki-gateway-tls", 30443],
      ["mimir-gateway-tls", 30444],
      ["tempo-gateway-tls", 30445],
    ]);
    expect(made[0]?.inputs["spec"]).to.deep.equal({
      type: "NodePort",
      selector: { "app.kubernetes.io/component": "gateway" },
      ports: [{ name: "https", targetPort: 8443, port: 443, nodePort: 30443 }],
    });
    const requests = inputsOf(recording, "tls:index/certRequest:CertRequest");
    const requested = (name: string) => requests.find((one) => one.name === name)?.inputs;
    expect(requested("gateway-loki")).to.deep.include({ dnsNames: [], ipAddresses: ["10.0.0.1"] });
    expect(requested("gateway-tempo")).to.deep.include({ dnsNames: ["hub.stack.test"] });
    expect(requested("agent-eu-1")).to.deep.include({ subject: { commonName: "eu-1" } });
    const issued = inputsOf(recording, "tls:index/locallySignedCert:LocallySignedCert");
    const usesOf = (name: string) => issued.find((one) => one.name === name)?.inputs["allowedUses"];
    expect(usesOf("agent-eu-1")).to.deep.equal(["digital_signature", "client_auth"]);
    expect(usesOf("gateway-loki")).to.deep.equal(["digital_signature", "server_auth"]);
    // The Service does not wait for pods, which are created later.
    expect(made[0]?.inputs["metadata"].annotations).to.deep.equal({ "pulumi.com/skipAwait": "true" });
    const secrets = inputsOf(recording, "kubernetes:core/v1:Secret");
    const secret = (name: string) => {
      const { type, stringData } = secrets.find((one) => one.name === name)?.inputs ?? {};
      return { type, stringData };
    };
    expect(secret("loki-gateway-tls")).to.deep.equal({
      type: "kubernetes.io/tls",
      stringData: { "tls.key": "[generated]", "tls.crt": "[certificate]" },
    });
    expect(secret("loki-gateway-client-ca")).to.deep.equal({
      type: undefined,
      stringData: { "ca.crt": "[certificate of the CA]" },
    });
    const { value } = recording.outputs["agents"] ?? {};
    expect((value as Record<string, unknown>)["eu-1"]).to.deep.include({
      endpoints: nodePorts.endpoints,
      caCertificate: "[certificate of the CA]",
      client: { certificate: "[certificate]", key: "[generated]", expires: "2100-01-01T00:00:00Z" },
    });
    const loki = ofType(recording, "kubernetes:helm.sh/v3:Release").find(
      ({ name }) => name === "loki",
    ) as Any;
    const [release] = ofType(recording, "observability:index:HelmRelease").filter(
      ({ name }) => name === "loki",
    );
    expect(release?.options.dependencies).to.include.members([
      "kubernetes:core/v1:Secret::loki-gateway-tls",
      "kubernetes:core/v1:Secret::loki-gateway-client-ca",
    ]);
    expect(loki.inputs.values.gateway.extraVolumes).to.deep.equal(
      ["gateway-users", "gateway-tls", "gateway-client-ca"].map((name) => ({
        name,
        secret: { secretName: name },
      })),
    );
    const policies = networkPolicies(settingsOf("prod", { agents: { "eu-1": {} }, access: nodePorts }));
    const gateway = policies.find(({ metadata }) => metadata.name === "loki-gateway")?.spec.ingress;
    expect(JSON.stringify(gateway)).to.include('{"port":8443,"protocol":"TCP"}');
    // CertificateExpiresSoon covers them.
    const probed = probedCertificates(settingsOf("dev", { agents: { "eu-1": {} }, access: nodePorts }));
    expect(probed.map(({ address }) => address)).to.include.members([
      "loki-gateway-tls.loki.svc:443",
      "tempo-gateway-tls.tempo.svc:443",
    ]);
  });

  it("has certificates of the gateways before it has agents", async () => {
    const { resources } = await recordingOf("dev", { access: nodePorts });
    expect(resources.map(({ name }) => name)).to.include.members([
      "loki-gateway-tls",
      "loki-gateway-client-ca",
    ]);
  });

  it("uses a certificate of the user, and load balancers with their own ports", async () => {
    const service = { type: "LoadBalancer", tlsSecret: "own", annotations: { a: "b" } };
    const access = { ...nodePorts, service };
    const recording = await recordingOf("dev", { agents: { "eu-1": {} }, access });
    const [one] = inputsOf(recording, "kubernetes:core/v1:Service").filter(
      ({ name }) => name === "gateway-loki",
    );
    expect(one?.inputs["metadata"].annotations).to.include({ a: "b" });
    expect(one?.inputs["spec"].ports).to.deep.equal([{ name: "https", targetPort: 8443, port: 30443 }]);
    const loki = inputsOf(recording, "kubernetes:helm.sh/v3:Release").find(({ name }) => name === "loki");
    expect(JSON.stringify(loki?.inputs["values"].gateway.extraVolumes)).to.include('"secretName":"own"');
    const { value } = recording.outputs["agents"] ?? {};
    expect((value as Record<string, object>)["eu-1"]).not.to.have.property("caCertificate");
  });

  it("is rejected with Services that have no URLs, or URLs that they cannot serve", () => {
    const { service, endpoints } = nodePorts;
    const agents = { "eu-1": {} };
    expect(problemsOf({ agents, access: { service, ingress: { domain: "hub.stack.test" } } })).to.deep.equal([
      "access.endpoints: the URLs that access.service serves, which uses their ports",
    ]);
    for (const loki of ["https://10.0.0.1:30443/loki", "http://loki.loki.svc:30443"])
      expect(problemsOf({ agents, access: { service, endpoints: { ...endpoints, loki } } })).to.deep.equal([
        "access.endpoints.loki: an https:// URL without a path, because access.service serves it",
      ]);
    const mimir = endpoints.loki;
    expect(problemsOf({ agents, access: { service, endpoints: { ...endpoints, mimir } } })).to.deep.equal(
      ["loki", "mimir"].map(
        (store) =>
          `access.endpoints.${store}: a URL with its own port, because each gateway has its own node port`,
      ),
    );
    expect(
      problemsOf({ agents, access: nodePorts, cadvisor: { expose: ["nodePort"], nodePort: 30444 } }),
    ).to.deep.equal(["access.endpoints.mimir: a URL with another port than cadvisor.nodePort"]);
  });

  it("is rejected without an address for its agents, and with agents that are itself", () => {
    expect(problemsOf({ agents: { "eu-1": {} } })).to.deep.equal([
      "access.ingress: the domain of an Ingress, or access.endpoints instead, because agents reach the gateways from other clusters",
    ]);
    const access = hub["access"];
    for (const name of ["pods", "logs", "traces", "rollup-5m", "long-range", "prod"])
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
  const hubAccess: AgentAccess = {
    endpoints: { loki: "https://loki.test", mimir: "https://mimir.test", tempo: "https://tempo.test" },
    grafanaUrl: "https://grafana.test",
    passwords: { loki: "a", mimir: "b", tempo: "c" },
    generation: 1,
    client: { certificate: "[certificate]", key: "[generated]", expires: "2100-01-01T00:00:00Z" },
  };
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

  it("sends every signal to the hub as the single user that writes its tenant", () => {
    const [logs, metrics, traces] = ["alloy-logs", "alloy-metrics", "alloy-traces"].map(environmentOf);
    expect(logs).to.include({
      LOKI_URL: "https://loki.hub.invalid",
      LOKI_USER: "eu-1-write",
      LOKI_PASSWORD_FILE: "/etc/gateway/loki-eu-1-write.password",
      GATEWAY_CERTIFICATE: "/etc/gateway/client.crt",
      GATEWAY_KEY: "/etc/gateway/client.key",
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
    // The hub evaluates all rules of the cluster, and alerts name the cluster.
    expect(JSON.parse(metrics?.["LOADED_RULES"] ?? "")).to.deep.equal([
      { tenant: "eu-1", user: "eu-1-write", selector: {}, labels: { cluster: "eu-1" } },
    ]);
  });

  it("names the cluster of its user, which a policy requires", () => {
    const find = (stack: Recording) =>
      ofType(stack, "kubernetes:helm.sh/v3:Release").flatMap(({ type, name, inputs }) => {
        const subject = subjectOf({ type, name, inputs, protect: false });
        return subject
          ? agentCluster.check(subject, { environment: "prod", config: {} }).map(({ what }) => what)
          : [];
      });
    expect(find(agent)).to.deep.equal([]);
    const text = JSON.stringify(agent);
    const other: Recording = JSON.parse(
      text.replaceAll('"CLUSTER","value":"eu-1"', '"CLUSTER","value":"us-1"'),
    );
    expect(find(other)).to.include("CLUSTER names cluster us-1, and the user is eu-1-write");
    expect(find(other)).to.have.length(3);
    const spans: Recording = JSON.parse(
      text.replace(/(k8s\.cluster\.name\W+)eu-1/g, (_, before) => `${before}us-1`),
    );
    expect(find(spans)).to.deep.equal(["RESOURCE_STATEMENTS names cluster us-1, and the user is eu-1-write"]);
  });

  it("has its passwords only in Secrets of its collectors", () => {
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
      "client.crt": "[certificate]",
      "client.key": "[generated]",
    });
  });

  it("records for the hub's ruler when its client certificate expires, and the generation of its passwords", () => {
    const rules = ofType(agent, "kubernetes:monitoring.coreos.com/v1:PrometheusRule");
    const expiry = rules.find(({ name }) => name === "observability-client-certificate");
    const labels = { namespace: "alloy-metrics", instance: "agent eu-1" };
    expect((expiry?.inputs as Any)?.spec.groups[0].rules).to.deep.equal([
      { record: "observability:client_certificate:expiry", expr: "vector(4102444800)", labels },
      { record: "observability:gateway_passwords:generation", expr: "vector(1)", labels },
    ]);
  });

  it("has the alerts on what it runs: its collectors, certificates and targets, and none on stores", () => {
    const rules = ofType(agent, "kubernetes:monitoring.coreos.com/v1:PrometheusRule");
    const alerts = rules.flatMap(({ inputs }) =>
      (inputs as Any).spec.groups.flatMap((group: Any) =>
        group.rules.flatMap((rule: Any) => rule.alert ?? []),
      ),
    );
    expect(alerts).to.include.members([
      "CertificateExpiresSoon",
      "CollectorTargetMissing",
      "LogsDropped",
      "MetricsDropped",
      "TargetSamplesNotStored",
      "TracesDropped",
    ]);
    expect(
      alerts.filter((name: string) => /^(Loki|Mimir|Tempo|Minio|No|Agent|Stack|Ring)/.test(name)),
    ).to.deep.equal([]);
  });

  it("may connect to the hub, and has no NetworkPolicies of components that it does not install", () => {
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

  it("reaches a hub outside its cluster through the proxy", () => {
    const proxy = { url: "http://proxy.test:3128" };
    const endpoints = { loki: "https://loki.test", mimir: "https://mimir.test", tempo: "https://tempo.test" };
    const withHub = (loki: string) => {
      const settings = readSettings("eu-1", text({ ...given, network: { policies: true, proxy } }));
      return { ...settings, hub: { ...given.hub, endpoints: { ...endpoints, loki } } };
    };
    const far = withHub("https://loki.test");
    expect(gatewayConnection(far).GATEWAY_PROXY).to.equal(proxy.url);
    const near = withHub("http://loki-gateway.loki.svc");
    expect(gatewayConnection(near).GATEWAY_PROXY).to.equal("");
    expect(gatewayConnection(settingsOf("dev", { network: { proxy } })).GATEWAY_PROXY).to.equal("");
    const egress = networkPolicies(far).find(({ metadata }) => metadata.name === "alloy-logs")?.spec.egress;
    expect(egress?.map(({ ports }) => ports)).to.deep.equal([[{ port: 3128, protocol: "TCP" }]]);
  });

  it("lets its Alloy scrape every component, because it has no Prometheus", () => {
    const settings = readSettings("eu-1", text({ ...given, network: { policies: true } }));
    const scraped = (component: string) =>
      networkPolicies(settings)
        .find(({ metadata }) => metadata.name === component)
        ?.spec.ingress?.some(({ from = [] }) => JSON.stringify(from).includes("alloy-metrics"));
    for (const component of ["alloy-logs", "alloy-traces", "kube-state-metrics", "collector"])
      expect(scraped(component), component).to.equal(true);
  });

  it("rejects settings of its hub's components, and span metrics without a generator", () => {
    const { message } = errorOf(() => parseSettings("eu-1", { ...given, loki: { ingestionRate: "5MB/s" } }));
    expect(message).to.include("loki: must not be set, because this stack has a hub");
    const problems = (more: Config) =>
      errorOf(() => parseSettings("eu-1", { ...given, ...more })).problems.map(({ path }) => path);
    expect(problems({ loki: { ingestionRate: "5MB/s" }, alerting: {} })).to.deep.equal(["loki", "alerting"]);
    expect(problems({ tracing: { metricsFrom: "tempo", sampling: { appliedBy: "sdk" } } })).to.deep.equal([
      "tracing.metricsFrom",
    ]);
  });

  it("sends passwords to other clusters only over https in prod", () => {
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

  it("has a doctor without the checks of missing components, all of which exist", () => {
    const settings = readSettings("eu-1", text(given));
    const [all, own] = [doctorChecks(), doctorChecks(settings)].map((checks) =>
      checks.map(({ name }) => name),
    );
    expect(own?.length).to.equal((all?.length ?? 0) - ofHub.length);
    expect(own).to.include.members(["pods", "DNS", "sending"]).and.not.to.include("gateways");
    // The hub's addresses are in the outputs of its stack, which the doctor does not read.
    expect(resolvedHost(settings)).to.equal("alloy-traces.alloy-traces.svc");
  });

  it("stops before any change if its hub does not list it", async () => {
    const problem = async () => {
      const settings = parseSettings("eu-2", { ...given, cluster: { name: "eu-2" } });
      // The recording's hub lists only eu-1.
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

  it("names a hub of another version, and what its outputs lack", () => {
    const settings = parseSettings("eu-1", given);
    const { client, grafanaUrl, generation, ...earlier } = hubAccess;
    const { expires, ...unlimited } = client;
    const { tempo, ...two } = hubAccess.passwords;
    for (const [own, lacks] of [
      [earlier, "client.certificate, client.key, client.expires, generation, grafanaUrl"],
      [{ ...earlier, grafanaUrl, generation, client: unlimited }, "client.expires"],
      [{ ...hubAccess, passwords: two }, "passwords.tempo"],
      [{ ...hubAccess, endpoints: undefined }, "endpoints.loki, endpoints.mimir, endpoints.tempo"],
    ] as [object, string][]) {
      const { problems } = errorOf(() =>
        accessFrom({ "eu-1": own as AgentAccess }, "eu-1", settings, given.hub),
      );
      expect(problems).to.deep.equal([
        {
          path: "hub.stack",
          was: "organization/observability/prod",
          allowed: `a stack whose output agents.eu-1 has ${lacks}, which this release of the project reads`,
          change: "Run ./obs up of organization/observability/prod with this release first",
        },
      ]);
    }
    expect(accessFrom({ "eu-1": hubAccess }, "eu-1", settings, given.hub)).to.equal(hubAccess);
  });
});
