import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { parse } from "yaml";
import { until } from "../../cli/lib/poll";
import { root } from "../../cli/lib/stack-config";
import { owner } from "../../names";
import { alloyPipeline } from "../../values/alloy";
import { alloyMetricsEnvironment, alloyMetricsPipeline } from "../../values/alloy-metrics";
import { expectFormatted, experimental, validate } from "../support/alloy";
import { ApiServer } from "../support/api-server";
import { Gateway, needsNginx } from "../support/gateway";
import { Mimir } from "../support/mimir";
import type { Labels } from "../support/remote-write";
import { type KubernetesObject, renderStack } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

const sources = join(root, "values", "alloy", "metrics");
const settings = settingsOf("dev", {
  cluster: { name: "test" },
  alloyMetrics: { scrapeInterval: "1s" },
  metrics: { also: ["kube_pod_tol.+"] },
});

describe("binaries: Alloy's metrics pipeline", function () {
  this.timeout(180_000);
  let alloy: string;
  let folder: string;

  before(function () {
    [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-alloy-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  for (const file of readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".alloy"),
  ))
    it(`${file} has the format of Alloy's formatter`, () => {
      expectFormatted(alloy, join(sources, file));
    });

  const checked = (text: string) => validate(alloy, folder, text, alloyMetricsEnvironment(settings));

  it("accepts the whole pipeline, and rejects one with a typing error", () => {
    const accepted = checked(alloyMetricsPipeline(settings));
    expect(accepted.status, accepted.words).to.equal(0);
    for (const [right, wrong] of [
      ["default_scrape_interval", "default_scraping_interval"],
      ["max_samples_per_send", "max_samples_per_sending"],
      ["sync_interval", "syncing_interval"],
    ] as const) {
      const refused = checked(alloyPipeline("metrics").replace(right, wrong));
      expect(refused.status, wrong).not.to.equal(0);
      expect(refused.words).to.include(wrong);
    }
  });

  it("sends all samples of an outage that lasts as long as the buffer, also if it started during it", async () => {
    let scraped = 0;
    let down = true;
    const server = createServer((request, response) => {
      if (request.method === "POST") response.statusCode = down ? 503 : 200;
      else response.write(`scrapes_total ${++scraped}\n`);
      request.resume().on("end", () => response.end());
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    const [wal = ""] = /wal \{.*?\n\t\t\}/s.exec(alloyPipeline("metrics")) ?? [];
    const pipeline = join(folder, "outage.alloy");
    writeFileSync(
      pipeline,
      `prometheus.scrape "all" {
  targets         = [{"__address__" = "127.0.0.1:${port}"}]
  forward_to      = [prometheus.remote_write.mimir.receiver]
  scrape_interval = "1s"
  scrape_timeout  = "1s"
}
prometheus.remote_write "mimir" {
  endpoint {
    url = "http://127.0.0.1:${port}"
    queue_config {
      // More samples than these wait in the write-ahead log.
      capacity             = 10
      max_samples_per_send = 5
      min_shards           = 1
      max_shards           = 1
      max_backoff          = "1s"
    }
  }
  ${wal.replace('"5m"', '"1s"')}
}`,
    );
    const http = await freePort();
    const collector = await Server.start(
      alloy,
      [
        ...["run", pipeline, "--disable-reporting", `--storage.path=${join(folder, "alloy-outage")}`],
        `--server.http.listen-addr=127.0.0.1:${http}`,
      ],
      {
        environment: { BUFFER_AGE: "24s" },
        ready: async () => (await fetch(`http://127.0.0.1:${http}/-/ready`)).ok,
      },
    );
    try {
      await wait(24_000);
      down = false;
      await until(60, "all samples", async () => {
        const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
        const total = (name: string) =>
          Number(new RegExp(`^${name}\\{.*\\} (.+)$`, "m").exec(text)?.[1] ?? 0);
        const written = total("prometheus_remote_write_wal_samples_appended_total");
        const [tried = 0, again = 0] = ["", "_retried"].map((what) =>
          total(`prometheus_remote_storage_samples${what}_total`),
        );
        return written > 100 && tried - again > written - 30 ? true : undefined;
      });
    } finally {
      await collector.stop();
      server.close();
    }
  });

  describe("on a real API server", () => {
    let api: ApiServer;
    let mimir: Mimir;
    let gateway: Gateway;
    let target: HttpServer;
    let port: number;
    const collectors: Server[] = [];
    /** Number of scrapes of each path. */
    const scrapes: Record<string, number> = {};

    before(async function () {
      await needsCharts(this);
      needsNginx(this);
      const [etcd = "", kubeApiserver = "", program = ""] = needs(this, "etcd", "kube-apiserver", "mimir");
      target = createServer(({ url = "" }, response) => {
        scrapes[url] = (scrapes[url] ?? 0) + 1;
        // Another value with every scrape, so that a lost sample leaves a gap.
        const sample = `scrapes_total ${scrapes[url]} # {trace_id="of${url}"} 1`;
        response.setHeader("Content-Type", "application/openmetrics-text; version=1.0.0");
        const gauges = ["apiserver_response_sizes_bucket", "kube_pod_tolerations", "of_an_addon"];
        const others = gauges.map((name) => `# TYPE ${name} gauge\n${name} 1\n`).join("");
        response.end(`${others}# TYPE scrapes counter\n${sample}\n# EOF\n`);
      });
      await new Promise<void>((done) => target.listen(0, "127.0.0.1", done));
      ({ port } = target.address() as { port: number });
      api = await ApiServer.start(etcd, kubeApiserver);
      mimir = await Mimir.start(program, join(folder, "mimir"), settings);
      const { host } = new URL(mimir.url);
      gateway = await Gateway.start(join(folder, "gateway"), { store: "mimir", settings, at: () => host });
      for (const object of [...(await definitions()), ...objects()]) await make(object);

      const pipeline = join(folder, "reaching.alloy");
      writeFileSync(pipeline, reaching(alloyPipeline("metrics")));
      const environment = {
        ...alloyMetricsEnvironment(settings),
        MIMIR_URL: gateway.url,
        PASSWORDS: gateway.passwordFolder,
        KUBECONFIG: api.kubeconfig(),
      };
      const ports = [await freePort(), await freePort()];
      for (const own of ports)
        collectors.push(
          await Server.start(
            alloy,
            [
              "run",
              pipeline,
              experimental,
              "--disable-reporting",
              `--storage.path=${join(folder, `alloy-${own}`)}`,
              `--server.http.listen-addr=127.0.0.1:${own}`,
              "--cluster.enabled",
              `--cluster.node-name=alloy-${own}`,
              "--cluster.advertise-address=127.0.0.1",
              `--cluster.join-addresses=${ports.map((each) => `127.0.0.1:${each}`).join(",")}`,
            ],
            { environment, ready: async () => (await fetch(`http://127.0.0.1:${own}/-/ready`)).ok },
          ),
        );
      await until(60, "a sample of every target", async () => {
        const found = Object.values(wanted).flat();
        return (await seriesOf("nodes|pods")).length >= found.length ? true : undefined;
      }).catch((error: Error) => {
        throw new Error(`${error.message}\n${collectors.map(({ log }) => log.slice(-2000)).join("\n")}`);
      });
    });

    after(async () => {
      for (const collector of collectors) await collector.stop();
      await gateway?.stop();
      await mimir?.stop();
      await api?.stop();
      target?.close();
    });

    /** The pipeline with KUBECONFIG for the API server instead of a pod's credentials. */
    const reaching = (pipeline: string) => {
      const file = 'kubeconfig_file = sys.env("KUBECONFIG")';
      return pipeline
        .replace(/prometheus\.operator\.\w+ "all" \{/g, `$&\nclient {\n${file}\n}`)
        .replace(/discovery\.kubernetes "\w+" \{/g, `$&\n${file}`);
    };

    /** Creates an object, with its status. */
    const make = async (object: KubernetesObject) => {
      const { status, message } = await api.create(object);
      // The API server creates some namespaces and its own Service.
      expect(status, `${object.kind} ${object.metadata.name}: ${message}`).to.be.oneOf([201, 409]);
      if (!object["status"] || object.kind !== "Pod") return;
      expect(await api.updatePodStatus(object, object.metadata.namespace ?? "default")).to.equal(200);
    };

    const definitions = async () =>
      (await renderStack({ environment: "dev" })).objects
        .map(({ object }) => object)
        .filter(({ kind }) => kind === "CustomResourceDefinition");

    /** A Service and its endpoint. */
    const service = (namespace: string, name: string): KubernetesObject[] => [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { namespace, name, labels: { app: name } },
        spec: { ports: [{ name: "http", port }] },
      },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { namespace, name, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        ports: [{ name: "http", port }],
        // The API server rejects loopback addresses here; the monitor sets the target's address.
        endpoints: [{ addresses: ["192.0.2.1"] }],
      },
    ];

    const serviceMonitor = (
      namespace: string,
      name: string,
      of: { namespace: string; labels: Labels; paths: string[] },
    ): KubernetesObject => ({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "ServiceMonitor",
      metadata: { namespace, name },
      spec: {
        selector: { matchLabels: of.labels },
        namespaceSelector: { matchNames: [of.namespace] },
        endpoints: of.paths.map((path) => ({
          port: "http",
          path,
          relabelings: [{ targetLabel: "__address__", replacement: `127.0.0.1:${port}` }],
        })),
      },
    });

    const podMonitor = (namespace: string, name: string): KubernetesObject => ({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { namespace, name },
      spec: {
        selector: { matchLabels: { app: name } },
        podMetricsEndpoints: [{ port: "http", path: `/${namespace}/${name}` }],
      },
    });

    /** A pod with the address of the target. */
    const pod = (
      namespace: string,
      name: string,
      annotations: Record<string, string>,
      ports: object[],
      phase = "Running",
    ): KubernetesObject => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name, labels: { app: name }, annotations },
      spec: {
        nodeName: "node-1",
        containers: [
          { name: "app", image: "example.com/app:1", ports },
          { name: "sidecar", image: "example.com/sidecar:1" },
        ],
      },
      status: { phase, podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }] },
    });
    const annotated = (namespace: string, name: string, more: Record<string, string> = {}) => ({
      "prometheus.io/scrape": "true",
      "prometheus.io/path": `/${namespace}/${name}`,
      ...more,
    });

    const recorded = { record: "ours:one", expr: "vector(1)" };
    const rule = (namespace: string, name: string, labels: Labels): KubernetesObject => ({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { namespace, name, labels },
      spec: { groups: [{ name, rules: [recorded] }] },
    });

    /** The objects of the API server. */
    const objects = (): KubernetesObject[] => {
      const declared = [{ name: "http", containerPort: port }];
      const numbered = { "prometheus.io/port": String(port) };
      return [
        ...["kube-system", "shop"].map((name) => ({
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name },
        })),
        ...["kube-system", "shop"].flatMap((namespace) => [
          ...service(namespace, "service"),
          podMonitor(namespace, "monitored"),
          pod(namespace, "monitored", {}, declared),
          pod(namespace, "numbered", annotated(namespace, "numbered", numbered), [{ containerPort: 8080 }]),
          pod(namespace, "declared", annotated(namespace, "declared"), declared),
          pod(namespace, "over", annotated(namespace, "over", numbered), declared, "Succeeded"),
          pod(namespace, "silent", { ...numbered, "prometheus.io/path": "/silent" }, declared),
        ]),
        // Each monitor is in the namespace of the other's target: only the target's namespace counts.
        serviceMonitor("shop", "of-system", {
          namespace: "kube-system",
          labels: { app: "service" },
          paths: ["/kube-system/service", "/metrics/cadvisor"],
        }),
        serviceMonitor("kube-system", "of-shop", {
          namespace: "shop",
          labels: { app: "service" },
          paths: ["/shop/service"],
        }),
        ...service("default", "kubernetes"),
        serviceMonitor("default", "api-server", {
          namespace: "default",
          labels: { component: "apiserver", provider: "kubernetes" },
          paths: ["/default/kubernetes"],
        }),
        rule("shop", "of-nodes", { [owner.ruleTenant]: "nodes" }),
        rule("shop", "of-pods", { [owner.ruleTenant]: "pods" }),
        rule("shop", "of-nobody", { [owner.ruleTenant]: "nobody" }),
        rule("shop", "of-prometheus-itself", {}),
      ];
    };

    /** The targets of each tenant, by scraped path. */
    const of = (namespace: string) =>
      ["service", "monitored", "numbered", "declared"].map((name) => `/${namespace}/${name}`);
    const wanted = {
      nodes: [...of("kube-system"), "/default/kubernetes"],
      pods: of("shop"),
      prometheus: [],
    };

    const seriesOf = async (tenant: string) =>
      (await mimir.query(tenant, "scrapes_total")).map(({ labels }) => labels);
    /** Namespace and Service or pod of a series, which is also the path that it was scraped from. */
    const pathOf = ({ namespace, service, pod }: Labels) => `/${namespace}/${service ?? pod}`;
    const labelsOf = async (tenant: string, path: string) =>
      (await seriesOf(tenant)).find((labels) => pathOf(labels) === path);

    /** Paths that are not scraped about once a second. */
    const notOnce = async () => {
      const [before, began] = [{ ...scrapes }, Date.now()];
      await wait(8000);
      const seconds = (Date.now() - began) / 1000;
      return Object.values(wanted)
        .flat()
        .map((path) => [path, (scrapes[path] ?? 0) - (before[path] ?? 0)] as const)
        .filter(([, count]) => Math.abs(count - seconds) > 2);
    };

    for (const [tenant, paths] of Object.entries(wanted))
      it(`writes to ${tenant} ${paths.length ? paths.join(", ") : "nothing"}`, async () => {
        expect((await seriesOf(tenant)).map(pathOf)).to.have.members(paths);
      });

    it("drops the metrics in the settings, and keeps all others in every namespace", async () => {
      const found = async (metric: string) => (await mimir.query("nodes|pods", metric)).length;
      const all = wanted.pods.length + wanted.nodes.length;
      expect(await found("apiserver_response_sizes_bucket")).to.equal(0);
      expect(await found("kube_pod_tolerations")).to.equal(all);
      expect(await found("of_an_addon")).to.equal(all);
      expect(await found("up")).to.equal(all);
    });

    it("scrapes each target once, by one of two collectors, and nothing else", async () => {
      expect(await notOnce()).to.deep.equal([]);
      expect(Object.keys(scrapes)).to.have.members(Object.values(wanted).flat());
    });

    it("adds the source of each series as labels", async () => {
      const common = { __name__: "scrapes_total", cluster: "test", instance: `127.0.0.1:${port}` };
      expect(await labelsOf("pods", "/shop/service")).to.deep.equal({
        ...common,
        namespace: "shop",
        service: "service",
        job: "service",
        endpoint: "http",
      });
      expect(await labelsOf("pods", "/shop/monitored")).to.deep.equal({
        ...common,
        namespace: "shop",
        pod: "monitored",
        container: "app",
        job: "shop/monitored",
        endpoint: "http",
      });
      expect(await labelsOf("pods", "/shop/numbered")).to.deep.equal({
        ...common,
        namespace: "shop",
        pod: "numbered",
        job: "shop/numbered",
      });
    });

    it("keeps exemplars", async () => {
      const query = 'scrapes_total{pod="monitored"}';
      const now = Date.now() / 1000;
      const range = new URLSearchParams({ query, start: `${now - 60}`, end: `${now + 60}` });
      const [found] = (await mimir.data("pods", `query_exemplars?${range}`)) as {
        exemplars: { labels: Labels }[];
      }[];
      expect(found?.exemplars[0]?.labels).to.deep.equal({ trace_id: "of/shop/monitored" });
    });

    it("loads the rules of each tenant into Mimir, and leaves the others to Prometheus", async () => {
      const rulesOf = async (tenant: string) => {
        const { status, body } = await mimir.ask(tenant, "/prometheus/config/v1/rules");
        return status === 404 ? [] : Object.values(parse(body)).flat();
      };
      for (const tenant of ["nodes", "pods"]) {
        const groups = await until(60, `rules of ${tenant}`, async () => {
          const found = await rulesOf(tenant);
          return found.length ? found : undefined;
        });
        expect(groups).to.deep.equal([{ name: `of-${tenant}`, rules: [recorded] }]);
      }
      expect(await rulesOf("prometheus")).to.deep.equal([]);
      expect(await rulesOf("nobody")).to.deep.equal([]);
    });

    it("loses no sample while Mimir is killed and restarts", async () => {
      await mimir.stop("SIGKILL");
      await wait(20_000);
      await mimir.run();
      const back = Date.now();
      for (const [tenant, selector] of [
        ["nodes", 'scrapes_total{service="service"}'],
        ["pods", 'scrapes_total{pod="monitored"}'],
        ["pods", 'scrapes_total{pod="numbered"}'],
      ] as const) {
        const values = await until(60, `new samples of ${selector}`, async () => {
          const query = new URLSearchParams({ query: `${selector}[5m]` });
          const { result } = (await mimir.data(tenant, `query?${query}`)) as {
            result: { values: [time: number, value: string][] }[];
          };
          const samples = result[0]?.values ?? [];
          return (samples.at(-1)?.[0] ?? 0) * 1000 > back + 5000 ? samples : undefined;
        });
        const counts = values.map(([, value]) => Number(value));
        const [first = 0] = counts;
        expect(counts, selector).to.deep.equal(counts.map((_, index) => first + index));
        expect(counts.length).to.be.above(25);
      }
    });

    it("continues with all targets when one of two collectors is gone", async () => {
      await collectors.shift()?.stop();
      await until(60, "every target", async () => ((await notOnce()).length ? undefined : true));
    });
  });
});
