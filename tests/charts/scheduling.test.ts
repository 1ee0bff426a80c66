/**
 * Every pod of every release runs on the nodes of `cluster.scheduling`, on Linux, and DaemonSets on every node that can
 * run them.
 */
import { expect } from "chai";
import { dnsConfig } from "../../values/shared";
import { withColdTier } from "../support/cold-tier";
import { type Placed, type RenderedStack, renderStack } from "../support/rendered";
import { ready } from "../support/stacks";
import { needsCharts } from "../support/tools";

const linux = { "kubernetes.io/os": "linux" };
const tolerations = [{ key: "dedicated", operator: "Equal", value: "monitoring", effect: "NoSchedule" }];
const ingesterPool = { nodeSelector: { pool: "memory" }, tolerations: [], priorityClass: "stores" };

/** The placement in a pod's spec. */
interface Pods {
  name: string;
  kind: string;
  nodeSelector?: Record<string, string>;
  tolerations?: object[];
  priorityClassName?: string;
  affinity?: { nodeAffinity?: unknown };
  dnsConfig?: object;
}

/** The specs of all pods: of templates, and of custom resources of operators. */
const podsOf = ({ objects }: RenderedStack): Pods[] =>
  objects.flatMap(({ release, object }: Placed) => {
    const spec = object["spec"] as { template?: { spec?: object }; jobTemplate?: unknown } | undefined;
    const ofOperator = ["Prometheus", "Alertmanager", "OpenTelemetryCollector"].includes(object.kind);
    if (spec?.jobTemplate) throw new Error(`${object.metadata.name}: this test does not know CronJobs`);
    const pod = object.kind === "Pod" || ofOperator ? spec : spec?.template?.spec;
    // A template with containers is a pod template.
    if (!pod || (!ofOperator && !("containers" in pod))) return [];
    return [{ name: `${release ?? "own"}/${object.metadata.name}`, kind: object.kind, ...pod }];
  });

/** Taints that evict pods without a volume soon. */
const evicted = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({
  ...{ effect: "NoExecute", key, operator: "Exists", tolerationSeconds: 30 },
}));
/** Whether a pod must leave a lost node soon; undefined for Jobs, which end. Grafana's SQLite is on a volume. */
const leaves = ({ name, kind }: Pods): boolean | undefined =>
  kind === "Job"
    ? undefined
    : ["Deployment", "OpenTelemetryCollector"].includes(kind) && name !== "grafana/grafana";
/** Expects the tolerations of the settings, and eviction. @param own those of the settings */
function expectTolerations(pod: Pods, own: object[]): void {
  const { name, tolerations = [] } = pod;
  const isEvicted = JSON.stringify(tolerations.slice(own.length)) === JSON.stringify(evicted);
  expect(isEvicted ? tolerations.slice(0, own.length) : tolerations, name).to.deep.equal(own);
  expect(isEvicted, `${name} leaves a lost node`).to.equal(leaves(pod) ?? isEvicted);
}

const agents = ["own/cadvisor", "alloy-logs/alloy-logs", "kps/node-exporter"];

describe("charts: scheduling", function () {
  this.timeout(120_000);
  before(async function () {
    this.timeout(120_000);
    await needsCharts(this);
  });

  const stack = (scheduling?: object) =>
    renderStack(
      withColdTier(
        {},
        {
          ...ready("prod"),
          ...(scheduling && { cluster: { scheduling } }),
          scaling: { metricsServer: "install", ingesters: "auto" },
        },
      ),
    );

  it("is Linux for every pod, and nothing else by default", async () => {
    const pods = podsOf(await stack());
    expect(pods.length).to.be.greaterThan(45);
    for (const pod of pods) {
      expect(pod.nodeSelector, pod.name).to.deep.equal(linux);
      expectTolerations(pod, agents.includes(pod.name) ? [{ operator: "Exists" }] : []);
    }
    expect(pods.filter(leaves).length).to.be.greaterThan(20);
  });

  it("applies to every pod of every release, with a component's own values instead", async () => {
    const pods = podsOf(
      await stack({
        nodeSelector: { pool: "monitoring" },
        tolerations,
        priorityClass: "monitoring",
        components: { loki: ingesterPool },
      }),
    ).filter(({ name }) => !agents.includes(name));
    for (const pod of pods) {
      const { name, nodeSelector, priorityClassName } = pod;
      const own = name.startsWith("loki/");
      expect(nodeSelector, name).to.deep.equal({ ...linux, pool: own ? "memory" : "monitoring" });
      expectTolerations(pod, own ? [] : tolerations);
      const critical = name === "metrics-server/metrics-server" ? "system-cluster-critical" : "monitoring";
      expect(priorityClassName, name).to.equal(own ? "stores" : critical);
    }
    expect(new Set(pods.map(({ name }) => name.split("/")[0]))).to.have.all.keys(
      ...[
        "own",
        "minio",
        "loki",
        "mimir",
        "tempo",
        "alloy-metrics",
        "alloy-traces",
        "opentelemetry-operator",
      ],
      ...["kps", "grafana", "metrics-server", "keda", "vertical-pod-autoscaler"],
    );
  });

  it("keeps DaemonSets on all suitable Linux nodes, whatever the stack's selection", async () => {
    const pods = podsOf(await stack({ nodeSelector: { pool: "monitoring" }, tolerations }));
    const daemons = pods.filter(({ kind }) => kind === "DaemonSet");
    expect(daemons.map(({ name }) => name).sort()).to.deep.equal([...agents].sort());
    for (const { name, nodeSelector, tolerations, priorityClassName, affinity } of daemons) {
      expect(nodeSelector, name).to.deep.equal(linux);
      expect(tolerations, name).to.deep.equal([{ operator: "Exists" }]);
      expect(priorityClassName, name).to.equal("system-node-critical");
      expect(affinity?.nodeAffinity, name).to.deep.equal({
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: "type", operator: "NotIn", values: ["virtual-kubelet"] },
                { key: "eks.amazonaws.com/compute-type", operator: "NotIn", values: ["fargate"] },
              ],
            },
          ],
        },
      });
    }
  });

  it("restricts a DaemonSet only by its own values", async () => {
    const own = { nodeSelector: { gpu: "no" }, tolerations };
    const pods = podsOf(await stack({ components: { "node-exporter": own, cadvisor: own } }));
    const of = (name: string) => pods.find((pod) => pod.name === name);
    for (const name of ["kps/node-exporter", "own/cadvisor"]) {
      expect(of(name)?.nodeSelector, name).to.deep.equal({ ...linux, gpu: "no" });
      expect(of(name)?.tolerations, name).to.deep.equal(tolerations);
    }
    expect(of("alloy-logs/alloy-logs")?.tolerations).to.deep.equal([{ operator: "Exists" }]);
  });

  it("with quick retries of DNS lookups in every pod of a store, except caches", async () => {
    const ofStores = podsOf(await renderStack(ready("prod"))).filter(({ name }) =>
      /^(loki|mimir|tempo)\/(?!.*(cache|memcached|gateway))/.test(name),
    );
    expect(ofStores.length).to.be.at.least(20);
    for (const { name, dnsConfig: own } of ofStores) expect(own, name).to.deep.equal(dnsConfig);
  });
});
