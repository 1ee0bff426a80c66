/** Requests of `obs coverage` to the real Prometheus, Mimir and Grafana, and its report. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { stringify } from "yaml";
import { readingsIn } from "../../cli/commands/coverage/objects";
import { madeInGrafana, readCustom, readObjects } from "../../cli/commands/coverage/read";
import { type Given, reportOf } from "../../cli/commands/coverage/report";
import type { Ask } from "../../cli/commands/coverage/stores";
import { until } from "../../cli/lib/poll";
import { ApiServer } from "../support/api-server";
import { Grafana, needsGrafana } from "../support/grafana";
import { Mimir } from "../support/mimir";
import type { KubernetesObject } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

const settings = settingsOf("dev", { cluster: { name: "test" }, metrics: { drop: ["orders_debug_.+"] } });

const page = `# TYPE kube_pod_info gauge
kube_pod_info{pod="api-0"} 1
kube_pod_info{pod="api-1"} 1
costly_bucket{le="1"} 1
costly_bucket{le="2"} 1
costly_bucket{le="+Inf"} 1
`;

describe("binaries: coverage of queries", function () {
  this.timeout(180_000);
  let folder: string;
  let mimir: Mimir;
  let prometheus: Server;
  let target: HttpServer;
  let ask: Ask;

  before(async function () {
    const [mimirProgram = "", prometheusProgram = ""] = needs(this, "mimir", "prometheus");
    folder = mkdtempSync(join(tmpdir(), "observability-coverage-"));
    mimir = await Mimir.start(mimirProgram, join(folder, "mimir"), settings);
    target = createServer((_, response) => {
      response.setHeader("Content-Type", "text/plain; version=0.0.4");
      response.end(page);
    });
    await new Promise<void>((done) => target.listen(0, "127.0.0.1", done));
    const address = `127.0.0.1:${(target.address() as { port: number }).port}`;
    const config = join(folder, "prometheus.yaml");
    const scrape = { job_name: "kube-state-metrics", static_configs: [{ targets: [address] }] };
    writeFileSync(config, stringify({ global: { scrape_interval: "1s" }, scrape_configs: [scrape] }));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    prometheus = await Server.start(
      prometheusProgram,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { ready: async () => (await fetch(`${url}/-/ready`)).ok },
    );
    // Like the gateway: a user reads its tenants.
    ask = async (user, path) => {
      const tenants = user?.replace(/-read$/, "").replaceAll(".", "|");
      const answer = await fetch(user ? `${mimir.url}/prometheus/api/v1${path}` : `${url}/api/v1${path}`, {
        headers: tenants ? { "X-Scope-OrgID": tenants } : {},
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${answer.status} ${text}`);
      return JSON.parse(text);
    };
    const series = (name: string, count: number) =>
      Array.from({ length: count }, (_, number) => ({
        labels: { __name__: name, number: `${number}` },
        samples: [{ value: 1 }],
      }));
    for (const [tenant, ...pushed] of [
      ["pods", ...series("orders_total", 3), ...series("unread_total", 6)],
      ["nodes", ...series("costly_bucket", 10), ...series("kube_pod_info", 1)],
    ] as const) {
      const { status, body } = await mimir.push(tenant, ...pushed);
      expect(status, body).to.equal(200);
    }
    await until(30, "a scrape", async () => {
      const { data } = await ask(undefined, "/query?query=kube_pod_info");
      return data.result.length === 2 || undefined;
    });
  });

  after(async () => {
    await prometheus?.stop();
    await mimir?.stop();
    target?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const alert = (name: string, expr: string) => ({ alert: name, expr });
  const given = (): Given => ({
    stack: "dev",
    settings,
    hours: 1,
    unjudged: [],
    objects: {
      monitors: [],
      hpas: [],
      rules: [
        {
          kind: "PrometheusRule",
          metadata: { namespace: "shop", name: "api" },
          spec: {
            groups: [
              {
                rules: [
                  alert("Fine", 'kube_pod_info{pod=~"api-.+"} or absent(up{job="gone"})'),
                  alert("Dropped", "orders_debug_size > 1"),
                  alert("Elsewhere", "rate(orders_total[5m]) > 1"),
                  alert("NoLabel", 'kube_pod_info{node="a"}'),
                  alert("OtherSeries", 'kube_pod_info{number="0"}'),
                  alert("NotNow", 'kube_pod_info{pod="db-0"}'),
                ],
              },
            ],
          },
        },
        {
          kind: "PrometheusRule",
          metadata: { namespace: "shop", name: "mimir", labels: { "observability/mimir-tenant": "pods" } },
          spec: {
            groups: [{ rules: [alert("FineInMimir", "orders_total"), alert("Node", "costly_bucket > 1")] }],
          },
        },
      ],
      scaledObjects: [],
      configMaps: [],
      dashboards: [],
      alerts: [],
    },
  });

  it("are judged by the data in the stores, each in its own store", async () => {
    const { gaps, unjudged, judged } = await reportOf(given(), ask);
    expect(unjudged).to.deep.equal([]);
    expect(judged).to.have.length(8);
    expect(gaps.map(({ item, state, reasons }) => [item, state, reasons[0]?.cause])).to.deep.equal([
      ["Dropped", "blocked", "dropped by a setting"],
      ["Elsewhere", "blocked", "in another data source"],
      ["NoLabel", "no data now", "no such label"],
      ["OtherSeries", "blocked", "in another data source"],
      ["NotNow", "no data now", "no such value"],
      ["Node", "blocked", "in another data source"],
    ]);
  });

  it("list unused metrics, with the series of both tenants", async () => {
    const { unread } = await reportOf(given(), ask);
    expect(
      unread.map(({ metric, mimir, prometheus, share }) => [metric, mimir, prometheus, share]),
    ).to.deep.equal([["unread_total", 6, 0, 0.3]]);
  });

  it("are judged without costs that a store does not report", async () => {
    const { gaps, unread, unjudged } = await reportOf(given(), (user, path) =>
      path.startsWith("/cardinality") ? Promise.reject(new Error("it is disabled")) : ask(user, path),
    );
    expect(gaps.length).to.be.greaterThan(3);
    expect(unread).to.deep.equal([]);
    expect(unjudged).to.deep.equal([
      { owner: "Mimir", item: "series of each metric", why: "it is disabled" },
    ]);
  });

  it("are an error if no store answers", async () => {
    const failed = await reportOf(given(), () => Promise.reject(new Error("connection refused"))).then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failed?.message).to.match(/^neither Prometheus nor Mimir answers: .*connection refused$/);
  });

  it("include dashboards and alert rules that were created in Grafana", async function () {
    const home = needsGrafana(this);
    await needsCharts(this);
    const grafana = await Grafana.start(home, folder, { environment: "dev" }, { port: await freePort() });
    try {
      const model = {
        title: "By hand",
        panels: [
          {
            title: "empty",
            datasource: { type: "prometheus", uid: "mimir" },
            targets: [{ expr: "orders_debug_size" }],
          },
        ],
      };
      expect((await grafana.asAdmin("/api/dashboards/db", "POST", { dashboard: model })).status).to.equal(
        200,
      );
      const made = await madeInGrafana({ json: async (path) => (await grafana.asAdmin(path)).body });
      const { objects, ...rest } = given();
      const { gaps } = await reportOf({ ...rest, objects: { ...objects, ...made } }, ask);
      expect(
        gaps.filter(({ kind }) => kind === "dashboard").map(({ owner, item }) => [owner, item]),
      ).to.deep.equal([["dashboard By hand (made in Grafana)", "empty"]]);
    } finally {
      await grafana.stop();
    }
  });
});

describe("binaries: coverage of a cluster", function () {
  this.timeout(180_000);
  let api: ApiServer | undefined;
  const config = new KubeConfig();

  before(async function () {
    const [etcd = "", apiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, apiserver);
    config.loadFromFile(api.kubeconfig());
  });
  after(() => api?.stop());

  it("reads rules, monitors, autoscalers and dashboards, and accepts missing CRDs", async () => {
    const own = { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    const define = (kind: string) =>
      api?.create({
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: `${kind.toLowerCase()}s.monitoring.coreos.com` },
        spec: {
          group: "monitoring.coreos.com",
          scope: "Namespaced",
          names: { kind, plural: `${kind.toLowerCase()}s` },
          versions: [
            {
              name: "v1",
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: "object", properties: own } },
            },
          ],
        },
      } as KubernetesObject);
    expect((await readCustom(config)).rules).to.deep.equal([]);
    await define("PrometheusRule");
    const rule = {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { namespace: "default", name: "api" },
      spec: { groups: [{ name: "g", rules: [{ alert: "A", expr: "a" }] }] },
    };
    await until(30, "the definition", async () => (await api?.create(rule))?.status === 201 || undefined);
    const dashboard = { name: "shop", namespace: "default", labels: { grafana_dashboard: "1" } };
    await api?.create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: dashboard,
      data: {
        "shop.json": JSON.stringify({ title: "Shop", panels: [{ title: "p", targets: [{ expr: "b" }] }] }),
      },
    } as KubernetesObject);
    const { objects, unjudged } = await readObjects({ config, settings: settingsOf("dev") });
    expect(unjudged.map(({ owner }) => owner)).to.deep.equal(["Grafana"]);
    const readings = readingsIn(
      settingsOf("dev", { grafana: { dashboards: { namespaces: ["default"] } } }),
      objects,
    );
    expect(readings.map(({ owner, item }) => [owner, item])).to.deep.equal([
      ["PrometheusRule default/api", "A"],
      ["dashboard Shop (ConfigMap default/shop)", "p"],
    ]);
    expect(objects).to.deep.include({ monitors: [], scaledObjects: [], hpas: [] });
  });
});
