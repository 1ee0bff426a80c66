import { expect } from "chai";
import { ofKind } from "../support/objects";
import {
  containersOf,
  find,
  type KubernetesObject,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { needsCharts } from "../support/tools";

describe("charts: Grafana, and monitoring of the stack", () => {
  let dev: RenderedStack;
  let prod: RenderedStack;

  before(async function () {
    this.timeout(300_000);
    await needsCharts(this);
    dev = await renderStack({ environment: "dev" });
    prod = await renderStack({ environment: "prod" });
  });

  it("R8: runs without root, with a read-only file system and no more than its memory limit", () => {
    for (const stack of [dev, prod]) {
      const grafana = workloads(stack).find(
        ({ release, object }) => release === "grafana" && object.kind === "Deployment",
      );
      if (!grafana) throw new Error("there is no Grafana");
      const containers = containersOf(grafana) as unknown as KubernetesObject[];
      expect(containers.map(({ name }: KubernetesObject) => name)).to.have.members([
        "grafana",
        "grafana-init-sc-dashboard",
      ]);
      for (const { securityContext, resources } of containers) {
        expect(securityContext).to.deep.include({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
        });
        expect(resources.limits.memory).to.match(/^\d+[MG]i$/);
      }
    }
  });

  it("R8: starts only when its dashboards are files, because it deletes those without a file", () => {
    const { spec } = find(prod, "Deployment", "grafana")["spec"].template;
    expect(spec.containers.map(({ name }: KubernetesObject) => name)).to.deep.equal(["grafana"]);
    const [sidecar] = spec.initContainers;
    expect(sidecar.restartPolicy).to.equal("Always");
    const [port] = sidecar.env.filter(({ name }: KubernetesObject) => String(name) === "HEALTH_PORT");
    expect(sidecar.startupProbe.httpGet).to.deep.equal({ path: "/healthz", port: Number(port.value) });
  });

  it("R8.2: a user's login in prod is configured in grafana.ini, its secret is not", () => {
    const ini: string = find(prod, "ConfigMap", "grafana")["data"]["grafana.ini"];
    expect(ini).to.include("client_secret = $__env{OAUTH_CLIENT_SECRET}");
    expect(ini).to.match(/\[auth\]\ndisable_login = true\ndisable_login_form = true/);
    expect(ini).to.match(/\[auth\.anonymous\]\nenabled = false/);
  });

  it("R8.3: the file of data sources matches Grafana's values, after Helm's templates", () => {
    const file: string = find(dev, "ConfigMap", "grafana")["data"]["datasources.yaml"];
    expect(file)
      .to.include("$${__value.raw}")
      .and.to.include("$$__tags")
      .and.to.include("mimir-pods.nodes-read.password");
  });

  it("R12: every component has a monitor that only Prometheus reads", () => {
    for (const stack of [dev, prod]) {
      const watched = ofKind(stack, "ServiceMonitor").filter(
        ({ metadata }) => metadata.labels?.["observability/scraper"] === "prometheus",
      );
      const names = watched.map(({ metadata }) => metadata.name);
      expect(names).to.include.members([
        "loki",
        "minio",
        "grafana",
        "alloy-logs",
        "alloy-metrics",
        "alloy-traces",
        ...["distributor", "ingester", "querier", "compactor", "store-gateway", "ruler", "alertmanager"].map(
          (part) => `mimir-${part}`,
        ),
        ...["distributor", "ingester", "querier", "compactor", "query-frontend", "metrics-generator"].map(
          (part) => `tempo-${part}`,
        ),
      ]);
    }
  });

  it("R12: each alert's links belong to this Grafana", () => {
    const urls = ofKind(prod, "PrometheusRule")
      .filter(({ metadata }) => metadata.name.startsWith("observability-"))
      .flatMap(({ spec }) => spec.groups)
      .flatMap(({ rules }: KubernetesObject) => rules)
      .flatMap(({ annotations }: KubernetesObject) => annotations?.runbook_url ?? []);
    expect(urls.length).to.be.greaterThan(20);
    for (const url of urls) expect(url).to.match(/^https:\/\/grafana\.example\.com\/d\/runbook-[a-z]+$/);
  });
});
