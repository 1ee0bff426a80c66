/** The lifecycle of a dev stack with the real engine on a real cluster, from creation to deletion. */
import { join } from "node:path";
import { AppsV1Api, CoreV1Api, DiscoveryV1Api, KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { releasesOf } from "../../cli/lib/render";
import { root } from "../../cli/lib/stack-config";
import { tenants } from "../../names";
import { count, eventually, flush, objectsIn, query, scaleNamespace, startPod } from "../support/cluster";
import { namespaces, settings } from "../support/names";
import { type Step, TestStack } from "../support/pulumi";
import { ready, recordingOf, settingsOf } from "../support/stacks";
import { needs, needsCharts, skip } from "../support/tools";
import { alertSteps, cleanUp, metricsSteps, receiverUrl } from "./metrics";
import { tracesSteps } from "./traces";

/** The engine's placeholder for an unknown value. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const dev = {
  environment: "dev",
  cluster: { name: "engine-test" },
  alerting: { receivers: { test: { webhookUrl: receiverUrl } }, groupWait: "5s" },
};
const grown = { ...dev, objectStorage: { minio: { disk: "60Gi" } } };
const changes = (steps: Step[]) => steps.filter(({ op }) => op !== "same");
/** The labels in the requirements (R5.2). */
const isAsked = (label: string) =>
  ["namespace", "pod_name", "container_name", "node_name", "job"].includes(label);
const named = (steps: Step[]) =>
  changes(steps).map(({ op, urn }) => `${op} ${urn.split("::").slice(2).join(" ")}`);

describe("engine: a stack from creation to deletion", function () {
  this.timeout(30 * 60 * 1000);
  let stack: TestStack;
  let config: KubeConfig;
  let api: CoreV1Api;
  let present: () => Promise<string[]>;

  before(async function () {
    const kubeconfig =
      process.env["OBS_TEST_KUBECONFIG"] ?? skip(this, "OBS_TEST_KUBECONFIG names no cluster");
    needs(this, "pulumi");
    await needsCharts(this);
    config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    api = config.makeApiClient(CoreV1Api);
    present = async () => {
      const names = (await api.listNamespace()).items.map(({ metadata }) => metadata?.name ?? "");
      return Object.values(namespaces).filter((name) => names.includes(name));
    };
    if ((await present()).length) skip(this, "the cluster has a stack already");
    stack = new TestStack("enginetest", kubeconfig, dev);
    const made = stack.init();
    expect(made.code, made.output).to.equal(0);
  });

  after(async () => {
    // Nothing stays behind after a failure.
    if (!stack) return;
    for (const name of ["engine-test-line", "engine-test-lines"])
      await api.deleteNamespacedPod({ namespace: "default", name }).catch(() => undefined);
    await cleanUp(config);
    application.cleanUp();
    stack.run(["destroy", "--yes", "--skip-preview"]);
  });

  it("previews prod on an empty cluster, with every release's values known", async () => {
    // The shipped stack names a Secret in a namespace of its own.
    const namespace = namespaces.grafana;
    await api.createNamespace({ body: { metadata: { name: namespace } } });
    const stringData = { OAUTH_CLIENT_SECRET: "of the test" };
    await api.createNamespacedSecret({
      namespace,
      body: { metadata: { name: "grafana-login" }, stringData },
    });
    const slices = await config.makeApiClient(DiscoveryV1Api).listNamespacedEndpointSlice({
      namespace: "default",
      labelSelector: "kubernetes.io/service-name=kubernetes",
    });
    const apiServerPorts = slices.items.flatMap(({ ports = [] }) => ports.flatMap(({ port }) => port ?? []));
    stack.configure({
      ...ready("prod"),
      cluster: { existingNamespaces: [namespace] },
      network: { apiServerPorts },
    });
    const steps = stack.previewSteps();
    await api.deleteNamespace({ name: namespace });
    await eventually(60, present, (left) => left.length === 0);
    const releases = steps.filter(({ newState }) => newState?.type === "kubernetes:helm.sh/v3:Release");
    const recorded = releasesOf((await recordingOf("prod")).resources);
    expect(releases.map(({ newState }) => newState?.inputs["name"])).to.have.members(
      recorded.map(({ name }) => name),
    );
    for (const { newState } of releases) expect(JSON.stringify(newState?.inputs)).not.to.include(unknown);
    stack.configure(dev);
  });

  it("loads the policy pack", () => {
    const { code, output } = stack.run(["preview", "--policy-pack", join(root, "policies")]);
    expect(code, output).to.equal(0);
    expect(output).to.match(/observability@v\d+\.\d+\.\d+/);
  });

  it("is created", () => {
    const { code, output, seconds } = stack.run(["up", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    console.log(`      up: ${seconds.toFixed(0)} s`);
  });

  it("finds a pod's line by each of its labels", async () => {
    await startPod(config, "default", "engine-test-line", "echo a line of the engine test; sleep 3600");
    const find = () => query(config, '{pod_name="engine-test-line"} |= "a line"');
    const [entry] = await eventually(60, find, (entries) => entries.length > 0);
    expect(entry?.labels).to.include({
      namespace: "default",
      pod_name: "engine-test-line",
      container_name: "writer",
      job: "default/writer",
      cluster: "engine-test",
    });
    for (const [label, value] of Object.entries(entry?.labels ?? {}).filter(([name]) => isAsked(name))) {
      // Loki logs the queries themselves, with the text they search for: those lines are another container's.
      const found = await query(config, `{${label}="${value}", container_name="writer"} |= "a line of the"`);
      expect(found, label).to.have.length(1);
    }
    expect(Object.keys(entry?.labels ?? {}).filter(isAsked)).to.have.length(5);
  });

  it("has it in the bucket after a flush, encrypted", async () => {
    await flush(config);
    const chunks = await eventually(
      60,
      async () =>
        (await objectsIn(config, settings, "loki-data")).filter(({ name }) =>
          name.startsWith(`${tenants.logs}/`),
        ),
      (objects) => objects.length > 0,
    );
    expect(chunks).not.to.have.length(0);
    for (const { encryption } of chunks) expect(encryption).to.equal("aws:kms");
  });

  it("loses no line and keeps none twice while Loki is unavailable for two minutes", async () => {
    await scaleNamespace(config, namespaces.loki, 0);
    const numbers =
      'i=1; while [ $i -le 10000 ]; do echo "numbered $i"; i=$((i+1)); [ $((i % 100)) -eq 0 ] && sleep 1; done; sleep 3600';
    await startPod(config, "default", "engine-test-lines", numbers);
    await new Promise((wake) => setTimeout(wake, 120_000));
    await scaleNamespace(config, namespaces.loki, 1);
    const selector = '{pod_name="engine-test-lines"} |= "numbered"';
    const total = await eventually(
      180,
      () => count(config, selector),
      (found) => found >= 10_000,
    );
    // Two halves, because Loki returns at most 5,000 entries.
    const even = await query(config, `${selector} |~ "[02468]$"`, 5000);
    const odd = await query(config, `${selector} |~ "[13579]$"`, 5000);
    expect(total).to.equal(10_000);
    expect(new Set([...even, ...odd].map(({ line }) => line)).size).to.equal(10_000);
  });

  metricsSteps(() => ({ config, settings: settingsOf("dev", dev) }));
  const application = tracesSteps(() => ({
    config,
    kubeconfig: process.env["OBS_TEST_KUBECONFIG"] ?? "",
    stack,
  }));
  alertSteps(() => ({ config, settings: settingsOf("dev", dev) }));

  it("changes nothing the second time", () => {
    const { code, output, seconds } = stack.run(["up", "--yes", "--expect-no-changes"]);
    expect(code, output).to.equal(0);
    console.log(`      up without changes: ${seconds.toFixed(0)} s`);
  });

  it("shows exactly the release that a setting affects", () => {
    stack.configure({ ...dev, loki: { querier: { replicas: 2, maxReplicas: 2 } } });
    expect(named(stack.previewSteps()))
      .to.have.length(1)
      .and.satisfy(([only]: string[]) => /^update .*Release loki$/.test(only ?? ""));
    stack.configure(dev);
  });

  it("grows the volume in place", async () => {
    const claim = { namespace: namespaces.minio, name: "minio-data" };
    const before = await api.readNamespacedPersistentVolumeClaim(claim);
    stack.configure(grown);
    expect(named(stack.previewSteps())).to.satisfy(
      (steps: string[]) =>
        steps.length === 1 && /^update .*PersistentVolumeClaim minio-data$/.test(steps[0] ?? ""),
    );
    const { code, output } = stack.run(["up", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    const after = await api.readNamespacedPersistentVolumeClaim(claim);
    expect(after.spec?.resources?.requests?.["storage"]).to.equal("60Gi");
    expect(after.metadata?.uid).to.equal(before.metadata?.uid);
  });

  it("rejects a smaller volume, another encryption key and another bucket before any change", () => {
    const before = stack.urns();
    stack.configure({
      ...dev,
      objectStorage: {
        minio: { disk: "55Gi", encryptionKey: `${"A".repeat(43)}=` },
        buckets: { loki: { name: "other-logs" } },
      },
    });
    for (const command of ["preview", "up"]) {
      const { code, output } = stack.run(command === "up" ? ["up", "--yes", "--skip-preview"] : ["preview"]);
      expect(code).not.to.equal(0);
      expect(output).to.include("3 invalid settings; no changes were made");
      expect(output).to.include('objectStorage.minio.disk: invalid value "55Gi" (must be 60Gi or more)');
      expect(output).to.include(
        'objectStorage.minio.encryptionKey: invalid value "[secret]" (must not be set)',
      );
      expect(output).to.include(
        'objectStorage.buckets.loki.name: invalid value "other-logs" (must be loki-data, which contains data)',
      );
      expect(output).not.to.include("AAAA");
    }
    stack.configure(grown);
    expect(stack.urns()).to.have.members(before);
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

  it("ends with MinIO's last log lines when it is not ready in time, and keeps everything", async () => {
    const before = stack.urns();
    const apps = config.makeApiClient(AppsV1Api);
    const scale = (value: number) =>
      apps.patchNamespacedDeploymentScale({
        namespace: namespaces.minio,
        name: "minio",
        body: [{ op: "replace", path: "/spec/replicas", value }],
      });
    stack.configure({ ...dev, objectStorage: { minio: { disk: "60Gi", readyTimeout: "10s" } } });
    await scale(0);
    for (const args of [
      ["up", "--yes", "--skip-preview"],
      ["refresh", "--run-program", "--yes", "--skip-preview"],
    ]) {
      const { code, output } = stack.run(args);
      expect(code, output).not.to.equal(0);
      expect(output).to.include("MinIO was not ready within 10s");
      expect(output).to.include("There is no pod of MinIO in namespace minio");
      expect(stack.urns(), args.join(" ")).to.have.members(before);
    }
    // A preview that reads nothing from MinIO still works, so that a mistake can be fixed.
    expect(stack.run(["preview"]).code).to.equal(0);
    stack.configure(grown);
    await scale(1);
    expect(stack.run(["up", "--yes", "--skip-preview"]).code).to.equal(0);
  });

  it("imports buckets that are missing in the state", async () => {
    const before = stack.urns();
    // Resources that a refresh without access to MinIO would drop: buckets, their lifecycle and their encryption.
    const { code: forgotten } = stack.forget((urn) =>
      /:(S3Bucket|IlmPolicy|S3BucketServerSideEncryption)::/.test(urn),
    );
    expect(forgotten).to.equal(0);
    expect(before.length - stack.urns().length).to.equal(15);
    const chunks = async () =>
      (await objectsIn(config, settings, "loki-data"))
        .map(({ name }) => name)
        .filter((name) => name.startsWith(`${tenants.logs}/`));
    const held = await chunks();
    const { code, output } = stack.run(["up", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    expect(output).to.match(/= 5 imported/);
    expect(stack.urns()).to.have.members(before);
    expect(await chunks()).to.include.members(held);
    expect(changes(stack.previewSteps())).to.deep.equal([]);
  });

  it("is deleted without leftovers", async () => {
    const { code, output, seconds } = stack.run(["destroy", "--yes", "--skip-preview"]);
    expect(code, output).to.equal(0);
    expect(stack.urns()).to.deep.equal([]);
    expect(await present()).to.deep.equal([]);
    console.log(`      down: ${seconds.toFixed(0)} s`);
  });
});
