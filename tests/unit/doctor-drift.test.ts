import { gzipSync } from "node:zlib";
import { ApiException } from "@kubernetes/client-node";
import { expect } from "chai";
import { driftFinding, driftOf, liveObjects, unread } from "../../cli/commands/doctor/checks/drift";
import { releaseFindings, supportFindings } from "../../cli/commands/doctor/checks/versions";
import { differencesOf } from "../../cli/commands/doctor/difference";
import { newestOf, releaseFrom } from "../../cli/lib/helm-history";

const paths = (wanted: unknown, live: unknown) => differencesOf(wanted, live, "spec").map(({ path }) => path);
const deployment = (replicas: number, image = "a:1") => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "loki-querier", namespace: "loki" },
  spec: { replicas, template: { spec: { containers: [{ name: "querier", image }] } } },
});

/** A release in the format of Helm. */
const secret = (revision: number, manifest: string) => {
  const release = {
    name: "loki",
    namespace: "loki",
    version: revision,
    info: { status: "deployed" },
    chart: { metadata: { name: "loki", version: "1.0.0" } },
    config: { replicas: 1 },
    manifest,
  };
  const inner = gzipSync(JSON.stringify(release)).toString("base64");
  return {
    metadata: { namespace: "loki", labels: { name: "loki", version: String(revision) } },
    data: { release: Buffer.from(inner).toString("base64") },
  };
};

describe("doctor: drift and versions", () => {
  it("compares the kinds that the user may list, and names the others", async () => {
    const role = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "loki" },
    };
    const status = (code: number, message: string) =>
      new ApiException(code, "", JSON.stringify({ message }), {});
    const list = async (_: string, kind: string) => {
      if (kind === "ClusterRole") throw status(403, "clusterroles is forbidden");
      if (kind === "ScaledObject") throw status(404, "the server could not find the requested resource");
      return { items: [{ metadata: { name: "loki-querier", namespace: "loki" } }] };
    };
    const scaled = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", metadata: { name: "loki" } };
    const { live, forbidden } = await liveObjects(list, [deployment(1), role, scaled]);
    expect([...live.keys()]).to.deep.equal(["Deployment/loki/loki-querier"]);
    expect(unread(forbidden).map(({ severity, what, evidence }) => [severity, what, evidence])).to.deep.equal(
      [["warning", "objects of a kind were not compared: ClusterRole", "clusterroles is forbidden"]],
    );
    expect(unread(new Map())).to.deep.equal([]);
    const broken = async () => {
      throw status(500, "etcd is unavailable");
    };
    const failed = await liveObjects(broken, [role]).catch((error: Error) => error.message);
    expect(failed).to.include("etcd is unavailable");
  });

  it("compares only fields in the manifest", () => {
    expect(paths({ a: 1 }, { a: 1, b: 2 })).to.deep.equal([]);
    expect(paths({ a: { b: "x" } }, { a: { b: "y", c: 1 } })).to.deep.equal(["spec.a.b"]);
  });

  it("accepts the API server's defaults and normalized values", () => {
    expect(paths({ cpu: "1000m", memory: "1024Mi" }, { cpu: "1", memory: "1Gi" })).to.deep.equal([]);
    expect(paths({ port: 80, list: [], none: null, off: false }, { port: "80" })).to.deep.equal([]);
    expect(paths({ mode: null }, { mode: 420 })).to.deep.equal([]);
    expect(paths({ memory: "1Gi" }, { memory: "2Gi" })).to.deep.equal(["spec.memory"]);
    expect(paths({ cpu: "100m" }, { cpu: "200m" })).to.deep.equal(["spec.cpu"]);
  });

  it("matches elements of lists by name, and others by position", () => {
    const env = (...names: string[]) => names.map((name) => ({ name, value: name }));
    expect(paths(env("a", "b"), env("b", "x", "a"))).to.deep.equal([]);
    expect(paths(env("a"), env("b"))).to.deep.equal(["spec[a]"]);
    expect(paths(["-a=1", "-b"], ["-a=2", "-b"])).to.deep.equal(["spec[0]"]);
    expect(paths(["-a", "-b"], ["-a"])).to.deep.equal(["spec"]);
  });

  it("ignores replicas under an autoscaler", () => {
    expect(driftOf(deployment(1), deployment(3), true)).to.deep.equal([]);
    expect(driftOf(deployment(1), deployment(3), false)).to.have.length(1);
  });

  it("reports replicas first, and a workload that is scaled to 0 as critical", () => {
    const release = { name: "loki", namespace: "loki", revision: 7 };
    const told = (live: ReturnType<typeof deployment>) =>
      driftFinding(live, release, driftOf(deployment(1), live, false), "loki.querier.replicas");
    expect(told(deployment(1))).to.equal(undefined);
    expect(told(deployment(0))).to.include({ severity: "critical" });
    expect(told(deployment(0))?.fix)
      .to.contain("scale deployment/loki-querier --replicas=1")
      .and.contain("loki.querier.replicas");
    expect(told(deployment(3))?.what).to.contain("3 replicas where 1 were installed");
    // Without the number, Helm would undo the last update.
    expect(told(deployment(3))?.fix).to.contain("helm -n loki rollback loki 7");
    expect(told(deployment(3, "a:2"))?.what).to.contain("and 1 more fields");
    expect(told(deployment(1, "a:2"))?.evidence)
      .to.contain("a:2")
      .and.contain("a:1");
  });

  it("reads the newest revision in Helm's history, without CRDs", () => {
    const definition =
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    operator.prometheus.io/version: "0.93.1"\n  name: a.b.c\nspec:\n  versions:\n  - name: v1\n    served: true\n  - additionalPrinterColumns: []\n    name: v2beta1\n';
    const manifest = `---\n# Source: a\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  mode: 0644\n---\n${definition}`;
    const [release, ...others] = newestOf([secret(9, "kind: A\n"), secret(10, manifest)]).map(releaseFrom);
    expect(others).to.deep.equal([]);
    expect(release?.revision).to.equal(10);
    expect(release?.values).to.deep.equal({ replicas: 1 });
    expect(release?.objects().map(({ kind }) => kind)).to.deep.equal(["ConfigMap"]);
  });

  it("compares releases with the pins", () => {
    const release = (version: string, status = "deployed") => ({
      name: "loki",
      namespace: "loki",
      status,
      revision: 1,
      chart: { name: "loki", version },
    });
    const pinned = { loki: "2.0.0" };
    expect(releaseFindings([release("2.0.0")], pinned)).to.deep.equal([]);
    expect(releaseFindings([release("1.0.0")], pinned)[0]?.fix).to.equal("./obs up");
    expect(releaseFindings([release("3.0.0")], pinned)[0]?.fix).to.contain("check out");
    expect(releaseFindings([release("2.0.0", "pending-upgrade")], pinned)[0]?.severity).to.equal("warning");
  });

  it("notes images that get no fixes, each version once", () => {
    const on = (today: string, ...images: string[]) => supportFindings(images, today).map(({ what }) => what);
    const old = ["registry.test:5000/m/grafana/mimir:2.16.0", "grafana/mimir:2.16.2@sha256:0"];
    expect(on("2026-11-01", ...old)).to.deep.equal(["grafana/mimir 2.16 gets no more fixes"]);
    expect(on("2027-04-26", "docker.io/grafana/tempo:2.10.8", "busybox:1.38.0")).to.deep.equal([]);
    expect(on("2027-04-27", "docker.io/grafana/tempo:2.10.8")).to.have.length(1);
    expect(on("2030-01-01", "docker.io/grafana/alloy:v1.20.1")).to.deep.equal([
      "whether grafana/alloy 1.20 still gets fixes was to be checked by 2027-01-31",
    ]);
  });
});
