/** The life of a dev stack with the real engine on a real cluster, from nothing to nothing. */
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { namespaces } from "../../names";
import { type Step, TestStack } from "../support/pulumi";
import { needs, needsCharts, skip } from "../support/tools";

/** What the engine prints where a value is not known yet. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const dev = { environment: "dev", cluster: { name: "engine-test" } };
const changes = (steps: Step[]) => steps.filter(({ op }) => op !== "same");
const named = (steps: Step[]) =>
  changes(steps).map(({ op, urn }) => `${op} ${urn.split("::").slice(2).join(" ")}`);

describe("engine: a stack from nothing to nothing", function () {
  this.timeout(20 * 60 * 1000);
  let stack: TestStack;
  let api: CoreV1Api;
  let present: () => Promise<string[]>;

  before(async function () {
    const kubeconfig =
      process.env["OBS_TEST_KUBECONFIG"] ?? skip(this, "OBS_TEST_KUBECONFIG names no cluster");
    needs(this, "pulumi", "helm");
    needsCharts(this);
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    api = config.makeApiClient(CoreV1Api);
    present = async () => {
      const names = (await api.listNamespace()).items.map(({ metadata }) => metadata?.name ?? "");
      return Object.values(namespaces).filter((name) => names.includes(name));
    };
    if ((await present()).length) skip(this, "the cluster has a stack already");
    stack = new TestStack("enginetest", kubeconfig, dev);
    expect(stack.init().code).to.equal(0);
  });

  after(() => {
    // Whatever failed, nothing stays behind.
    if (stack) stack.run(["destroy", "--yes", "--skip-preview"]);
  });

  it("previews prod on a cluster that has nothing, with every release's values known", () => {
    stack.configure({ environment: "prod" });
    const releases = stack
      .previewSteps()
      .filter(({ newState }) => newState?.type === "kubernetes:helm.sh/v3:Release");
    expect(releases).to.have.length(3);
    for (const { newState } of releases) expect(JSON.stringify(newState?.inputs)).not.to.include(unknown);
    stack.configure(dev);
  });

  it("comes up", () => {
    const { code, output, seconds } = stack.run(["up", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    console.log(`      up: ${seconds.toFixed(0)} s`);
  });

  it("changes nothing the second time", () => {
    const { code, output, seconds } = stack.run(["up", "--yes", "--expect-no-changes"]);
    expect(code, output).to.equal(0);
    console.log(`      up without changes: ${seconds.toFixed(0)} s`);
  });

  it("shows exactly the release that a setting touches", () => {
    stack.configure({ ...dev, loki: { querier: { replicas: 2 } } });
    expect(named(stack.previewSteps()))
      .to.have.length(1)
      .and.satisfy(([only]: string[]) => /^update .*Release loki$/.test(only ?? ""));
    stack.configure(dev);
  });

  it("refuses a smaller volume, another encryption key and another bucket before anything is touched", () => {
    stack.configure({
      ...dev,
      objectStorage: { minio: { disk: "40Gi", encryptionKey: `${"A".repeat(43)}=` } },
    });
    const { code, output } = stack.run(["up", "--yes", "--skip-preview"]);
    stack.configure(dev);
    expect(code).not.to.equal(0);
    expect(output).to.include("2 settings are wrong; nothing was touched");
    expect(output).to.include('objectStorage.minio.disk: is "40Gi"; allowed: 50Gi or more');
    expect(output).to.include('objectStorage.minio.encryptionKey: is "[secret]"; allowed: nothing');
    expect(output).not.to.include("AAAA");
  });

  it("stops a refresh that cannot reach MinIO and keeps every resource in the state", () => {
    const before = stack.urns();
    for (const args of [
      ["refresh", "--yes"],
      ["up", "--refresh", "--yes"],
      ["preview", "--refresh"],
    ]) {
      const { code, output } = stack.run(args);
      expect(code, args.join(" ")).not.to.equal(0);
      expect(output).to.include("MinIO-is-not-connected--add--run-program-to-this-command");
      expect(stack.urns(), args.join(" ")).to.have.members(before);
    }
  });

  it("finds nothing changed in a refresh through the program", () => {
    const before = stack.urns();
    const { code, output } = stack.run(["refresh", "--run-program", "--yes"]);
    expect(code, output).to.equal(0);
    expect(stack.urns()).to.have.members(before);
    expect(changes(stack.previewSteps())).to.deep.equal([]);
  });

  it("takes buckets back that the state has lost", () => {
    const before = stack.urns();
    const bucket = before.find((urn) => urn.endsWith("S3Bucket::loki-data")) ?? "";
    expect(stack.run(["state", "delete", bucket, "--force", "--target-dependents", "--yes"]).code).to.equal(
      0,
    );
    expect(stack.urns()).not.to.include(bucket);
    const { code, output } = stack.run(["up", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    expect(output).to.include("imported");
    expect(stack.urns()).to.have.members(before);
  });

  it("goes down without a trace", async () => {
    const { code, output, seconds } = stack.run(["destroy", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    expect(stack.urns()).to.deep.equal([]);
    expect(await present()).to.deep.equal([]);
    console.log(`      down: ${seconds.toFixed(0)} s`);
  });
});
