/** What other people's monitors, annotations and exporters look like, through a real Alloy into a real Mimir. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer, type RequestListener } from "node:http";
import { createServer as createTlsServer, type Server as HttpsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { judgeDiscovery, rejectedMonitors } from "../../cli/commands/doctor/checks/monitors";
import { until } from "../../cli/lib/poll";
import { alloyPipeline } from "../../values/alloy";
import { alloyMetricsEnvironment } from "../../values/alloy-metrics";
import { experimental } from "../support/alloy";
import { ApiServer } from "../support/api-server";
import { Authority } from "../support/authority";
import { Gateway, needsNginx } from "../support/gateway";
import { Mimir } from "../support/mimir";
import { type KubernetesObject, renderStack } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

const settings = settingsOf("dev", { cluster: { name: "test" }, alloyMetrics: { scrapeInterval: "1s" } });

/** Labels of a request between two services of Istio, 24 of them: https://istio.io/latest/docs/reference/config/metrics/ */
const istioLabels = Array.from({ length: 27 }, (_, index) => `istio_label_${index}="value"`).join(",");

/** Annotations of a pod, by the pod's name, and where they come from. Each has its metrics at /<name>. */
const annotations: Record<string, { about: string; port?: string; scrape?: string; path?: string }> = {
  plain: { about: "https://github.com/prometheus-operator/prometheus-operator/issues/1547" },
  capital: { about: "https://github.com/grafana/k8s-monitoring-helm/issues/1006", scrape: "True" },
  spaces: { about: "values of Helm charts that are quoted twice", scrape: " true " },
  named: { about: "https://github.com/danihodovic/celery-exporter/issues/337", port: "metrics" },
  list: { about: "several containers that each declare a port", port: "{port},9" },
  bare: { about: "a path without its slash", path: "bare" },
  query: { about: "Spring Boot and nginx exporters with a format", path: "/query?format=prometheus&all=1" },
};

/** What a target demands, by its path. */
const credentials: Record<string, string> = {
  basic: `Basic ${Buffer.from("user:secret").toString("base64")}`,
  bearer: "Bearer token-of-a-secret",
};

describe("cases: metrics of others", function () {
  this.timeout(300_000);
  let folder: string;
  let port: number;
  let target: HttpServer;
  let encrypted: HttpsServer;
  let authority: Authority;
  let mimir: Mimir;
  /** The URL of Alloy's API. */
  let collector: string;
  const stops: (() => Promise<unknown>)[] = [];
  const asked = new Set<string>();

  before(async function () {
    await needsCharts(this);
    needsNginx(this);
    const [alloy = "", etcd = "", kubeApiserver = "", program = ""] = needs(
      this,
      "alloy",
      "etcd",
      "kube-apiserver",
      "mimir",
    );
    folder = mkdtempSync(join(tmpdir(), "observability-intake-"));
    const answer: RequestListener = ({ url = "", headers }, response) => {
      asked.add(url);
      const name = url.slice(1).replace(/\?.*/, "");
      if (headers.authorization !== credentials[name]) {
        response.writeHead(401).end();
        return;
      }
      // Without a Content-Type, as some exporters and shell scripts answer.
      response.end(`case_info{case="${name}"} 1
trivy_image_vulnerabilities{namespace="kube-system",case="${name}"} 3
istio_requests_total{${istioLabels},case="${name}"} 7
`);
    };
    target = createServer(answer);
    authority = new Authority(folder, "targets");
    const { cert, key } = authority.issue(
      "target",
      "subjectAltName=DNS:target.shop.svc\nextendedKeyUsage=serverAuth\n",
    );
    encrypted = createTlsServer({ cert, key }, answer);
    await new Promise<void>((done) => encrypted.listen(0, "127.0.0.1", done));
    await new Promise<void>((done) => target.listen(0, "127.0.0.1", done));
    ({ port } = target.address() as { port: number });
    const api = await ApiServer.start(etcd, kubeApiserver);
    stops.push(() => api.stop());
    mimir = await Mimir.start(program, join(folder, "mimir"), settings);
    stops.push(() => mimir.stop());
    const { host } = new URL(mimir.url);
    const gateway = await Gateway.start(join(folder, "gateway"), {
      store: "mimir",
      settings,
      at: () => host,
    });
    stops.push(() => gateway.stop());
    for (const object of [...(await definitions()), ...objects()]) {
      const { status, message } = await api.create(object);
      expect(status, `${object.kind} ${object.metadata.name}: ${message}`).to.be.oneOf([201, 409]);
      if (object.kind === "Pod") await api.updatePodStatus(object, object.metadata.namespace ?? "");
    }
    const pipeline = join(folder, "metrics.alloy");
    const kubeconfig = 'kubeconfig_file = sys.env("KUBECONFIG")';
    writeFileSync(
      pipeline,
      alloyPipeline("metrics")
        .replace(/prometheus\.operator\.\w+ "all" \{/g, `$&\nclient {\n${kubeconfig}\n}`)
        .replace(/discovery\.kubernetes "\w+" \{/g, `$&\n${kubeconfig}`)
        // The API server takes no address on loopback.
        .replace(
          /targets = array\.concat\(.*\)/,
          `$&
rule {
  source_labels = ["__address__"]
  regex         = "192[.]0[.]2[.]1(.*)"
  replacement   = "127.0.0.1$1"
  target_label  = "__address__"
}`,
        ),
    );
    const own = await freePort();
    collector = `http://127.0.0.1:${own}`;
    const server = await Server.start(
      alloy,
      [
        "run",
        pipeline,
        experimental,
        "--disable-reporting",
        `--storage.path=${join(folder, "alloy")}`,
        `--server.http.listen-addr=127.0.0.1:${own}`,
      ],
      {
        environment: {
          ...alloyMetricsEnvironment(settings),
          MIMIR_URL: gateway.url,
          PASSWORDS: gateway.passwordFolder,
          KUBECONFIG: api.kubeconfig(),
        },
        ready: async () => (await fetch(`${collector}/-/ready`)).ok,
      },
    );
    stops.push(() => server.stop());
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
    target?.close();
    encrypted?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const definitions = async () =>
    (await renderStack({ environment: "dev" })).objects
      .map(({ object }) => object)
      .filter(
        ({ kind, metadata }) =>
          kind === "CustomResourceDefinition" &&
          /^(service|pod)monitors|^probes|^scrapeconfigs|^prometheusrules/.test(metadata.name),
      );

  const namespace = "shop";
  const inShop = (name: string) => ({ namespace, name });

  /** A ServiceMonitor of the Service, whose target is on loopback. */
  const monitor = (name: string, at: number, endpoint: object): KubernetesObject => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: inShop(name),
    spec: {
      selector: { matchLabels: { app: "service" } },
      endpoints: [
        {
          port: "http",
          path: `/${name}`,
          ...endpoint,
          relabelings: [{ targetLabel: "__address__", replacement: `127.0.0.1:${at}` }],
        },
      ],
    },
  });

  const objects = (): KubernetesObject[] => [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    ...Object.entries(annotations).map(([name, { scrape = "true", path = `/${name}`, port: wanted }]) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        ...inShop(name),
        annotations: {
          "prometheus.io/scrape": scrape,
          "prometheus.io/path": path,
          ...(wanted && { "prometheus.io/port": wanted.replace("{port}", `${port}`) }),
        },
      },
      spec: {
        nodeName: "node-1",
        containers: [
          {
            name: "app",
            image: "example.com/app:1",
            ports: [
              { name: "metrics", containerPort: port },
              // Nothing answers here.
              ...(name === "named" ? [{ name: "http", containerPort: 9 }] : []),
            ],
          },
        ],
      },
      status: { phase: "Running", podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }] },
    })),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        ...inShop("service"),
        labels: { app: "service" },
        annotations: { prometheus_io_scrape: "true", "prometheus.io/path": "/service" },
      },
      spec: { ports: [{ name: "http", port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...inShop("service"), labels: { "kubernetes.io/service-name": "service" } },
      addressType: "IPv4",
      ports: [{ name: "http", port }],
      endpoints: [{ addresses: ["192.0.2.1"] }],
    } as unknown as KubernetesObject,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: inShop("scrape"),
      stringData: { user: "user", password: "secret", token: "token-of-a-secret" },
    } as unknown as KubernetesObject,
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: inShop("scrape-ca"),
      data: { "ca.crt": authority.certificate },
    } as unknown as KubernetesObject,
    // Exporters behind a proxy (Redis, RabbitMQ), Argo CD and Vault, and OpenShift's service CA.
    monitor("basic", port, {
      basicAuth: {
        username: { name: "scrape", key: "user" },
        password: { name: "scrape", key: "password" },
      },
    }),
    monitor("bearer", port, { authorization: { credentials: { name: "scrape", key: "token" } } }),
    monitor("ca", (encrypted.address() as { port: number }).port, {
      scheme: "https",
      tlsConfig: {
        serverName: "target.shop.svc",
        ca: { configMap: { name: "scrape-ca", key: "ca.crt" } },
      },
    }),
    {
      // https://github.com/grafana/alloy/issues/1428
      apiVersion: "monitoring.coreos.com/v1",
      kind: "Probe",
      metadata: inShop("probe"),
      spec: {
        jobName: "site",
        prober: { url: `127.0.0.1:${port}`, path: "/probe" },
        targets: { staticConfig: { static: ["https://example.com"] } },
      },
    },
    {
      // https://github.com/grafana/k8s-monitoring-helm/issues/2069
      apiVersion: "monitoring.coreos.com/v1alpha1",
      kind: "ScrapeConfig",
      metadata: inShop("static"),
      spec: {
        jobName: "static",
        metricsPath: "/static",
        honorLabels: true,
        staticConfigs: [{ targets: [`127.0.0.1:${port}`] }],
      },
    },
    {
      apiVersion: "monitoring.coreos.com/v1alpha1",
      kind: "ScrapeConfig",
      metadata: inShop("mimir"),
      spec: { jobName: "mimir", staticConfigs: [{ targets: [new URL(mimir.url).host] }] },
    },
    // Monitors that Alloy only logs, or ignores.
    monitor("no-secret", port, { authorization: { credentials: { name: "missing", key: "token" } } }),
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: inShop("relabeling"),
      spec: {
        selector: {},
        podMetricsEndpoints: [
          { port: "http", relabelings: [{ sourceLabels: ["a"], regex: "(", targetLabel: "b" }] },
        ],
      },
    },
    {
      apiVersion: "monitoring.coreos.com/v1alpha1",
      kind: "ScrapeConfig",
      metadata: inShop("dns"),
      spec: { dnsSDConfigs: [{ names: ["_metrics._tcp.example.com"] }] },
    },
  ];

  /** Waits for series of a query. */
  const found = (query: string) =>
    until(60, query, async () => {
      const samples = await mimir.query("pods", query);
      return samples.length ? samples : undefined;
    });

  for (const [name, { about }] of Object.entries(annotations))
    it(`annotations of a pod: ${name} (${about})`, async () => {
      const [sample, ...more] = await found(`case_info{case="${name}"}`);
      expect(more).to.deep.equal([]);
      expect(sample?.labels).to.include({ namespace, pod: name, job: `${namespace}/${name}` });
    });

  it("parameters of an annotated path reach the target", async () => {
    await found('case_info{case="query"}');
    expect([...asked].filter((url) => url.startsWith("/query"))).to.deep.equal([
      "/query?all=1&format=prometheus",
    ]);
  });

  it("annotations of a Service, with underscores", async () => {
    const samples = await found('case_info{case="service"}');
    expect(samples.map(({ labels }) => labels["job"])).to.deep.equal([`${namespace}/service`]);
  });

  for (const [name, what] of [
    ["basic", "a password of a Secret"],
    ["bearer", "a token of a Secret"],
    ["ca", "a CA certificate of a ConfigMap"],
  ])
    it(`a monitor with ${what}`, async () => {
      expect(await found(`case_info{case="${name}"}`)).to.have.length(1);
    });

  it("a Probe and a ScrapeConfig", async () => {
    const [probe] = await found('case_info{job="site"}');
    expect(probe?.labels).to.include({ instance: "https://example.com", namespace });
    expect(await found('case_info{case="static"}')).to.have.length(1);
  });

  it("honorLabels: what a target reports about a system namespace (aquasecurity/trivy-operator)", async () => {
    const [sample] = await found('trivy_image_vulnerabilities{case="static"}');
    expect(sample?.labels["namespace"]).to.equal("kube-system");
  });

  it("more than 30 labels (https://github.com/kubermatic/kubermatic/issues/8195)", async () => {
    const [sample] = await found('istio_requests_total{case="plain"}');
    expect(Object.keys(sample?.labels ?? {}).length).to.be.above(30);
  });

  it("native histograms (https://github.com/grafana/alloy/issues/6075)", async () => {
    const counts = await found(
      'histogram_count(cortex_request_duration_seconds{job=~"scrapeConfig/shop/mimir/.*"})',
    );
    expect(counts[0]?.value).to.be.above(0);
    // Its classic form, too.
    await found('cortex_request_duration_seconds_bucket{job=~"scrapeConfig/shop/mimir/.*",le="+Inf"}');
  });

  it("the doctor names each monitor that Alloy rejects, with the reason", async () => {
    const rejected = await until(60, "rejected monitors", async () => {
      const findings = await rejectedMonitors(async (path) => (await fetch(`${collector}${path}`)).text());
      return findings.length >= 2 && findings;
    });
    expect(rejected.map(({ what, evidence }) => `${what}: ${evidence}`)).to.deep.equal([
      'ServiceMonitor shop/no-secret is not scraped: Alloy rejects it: secrets "missing" not found',
      "PodMonitor shop/relabeling is not scraped: Alloy rejects it: parsing relabel configs: error parsing regexp: missing closing ): `^(?s:()$`",
    ]);
  });

  it("and each ScrapeConfig with targets that Alloy ignores", () => {
    const scrapeConfigs = objects().filter(({ kind }) => kind === "ScrapeConfig");
    const told = (prometheus: boolean) =>
      judgeDiscovery(scrapeConfigs, prometheus).map(
        ({ severity, what, evidence }) => `${severity}: ${what}: ${evidence}`,
      );
    const dns = "Alloy ignores targets of ScrapeConfig shop/dns";
    expect(told(true)).to.deep.equal([`note: ${dns}; Prometheus scrapes them: dnsSDConfigs`]);
    expect(told(false)).to.deep.equal([`warning: ${dns}, and nothing else scrapes them: dnsSDConfigs`]);
  });
});
