/** R13 in the rendered objects: autoscalers and their bounds, disruption budgets, and placement. */
import { expect } from "chai";
import { selects } from "../../policies/selectors";
import { ofKind, replicasOf, scalerOf } from "../support/objects";
import {
  containersOf,
  find,
  type KubernetesObject,
  type Placed,
  type RenderedStack,
  renderStack,
  workloads,
} from "../support/rendered";
import { ready } from "../support/stacks";
import { needsCharts } from "../support/tools";

/** A set of equal pods: a workload's, or an operator's. */
interface Pods {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  replicas: number;
  affinity?: KubernetesObject;
  topologySpreadConstraints?: KubernetesObject[];
  /** Whether the operator creates its disruption budget. */
  budgetOfOperator?: boolean;
}

const operatedLabels: Record<string, (name: string) => Record<string, string>> = {
  Prometheus: (name) => ({
    "app.kubernetes.io/name": "prometheus",
    "app.kubernetes.io/instance": name,
    "operator.prometheus.io/name": name,
    prometheus: name,
  }),
  Alertmanager: (name) => ({
    "app.kubernetes.io/name": "alertmanager",
    "app.kubernetes.io/instance": name,
    alertmanager: name,
  }),
  OpenTelemetryCollector: () => ({ "app.kubernetes.io/component": "opentelemetry-collector" }),
};

const within = ({ object, namespace }: Placed) => object.metadata.namespace ?? namespace;

function podsOf(stack: RenderedStack): Pods[] {
  const own = workloads(stack)
    .filter(({ object }) => !["DaemonSet", "Job"].includes(object.kind))
    .map((placed): Pods => {
      const { metadata, spec } = placed.object["spec"].template;
      const { affinity, topologySpreadConstraints } = spec;
      return {
        ...{ name: placed.object.metadata.name, namespace: within(placed), labels: metadata.labels },
        ...{ replicas: replicasOf(placed, stack), affinity, topologySpreadConstraints },
      };
    });
  const operated = stack.objects
    .filter(({ object }) => object.kind in operatedLabels)
    .map((placed): Pods => {
      const { kind, metadata, spec } = placed.object;
      const { replicas, affinity, topologySpreadConstraints, podDisruptionBudget } = spec;
      return {
        ...{ name: metadata.name, namespace: within(placed), replicas, affinity, topologySpreadConstraints },
        labels: operatedLabels[kind]?.(metadata.name) ?? {},
        budgetOfOperator: podDisruptionBudget?.maxUnavailable === 1,
      };
    });
  return [...own, ...operated];
}

/** Number of healthy pods that a budget allows to evict: https://kubernetes.io/docs/tasks/run-application/configure-pdb/ */
function disruptionsAllowed({ spec }: KubernetesObject, replicas: number): number {
  const amount = (of: number | string, round: (value: number) => number) =>
    typeof of === "number" ? of : round((replicas * Number.parseInt(of, 10)) / 100);
  const healthy =
    spec.minAvailable !== undefined
      ? amount(spec.minAvailable, Math.ceil)
      : replicas - amount(spec.maxUnavailable, Math.ceil);
  return replicas - Math.max(0, healthy);
}

describe("charts: scaling, drains and placement (R13)", function () {
  this.timeout(600_000);
  let dev: RenderedStack;
  let prod: RenderedStack;
  let vertical: RenderedStack;

  before(async function () {
    await needsCharts(this);
    dev = await renderStack({ environment: "dev" });
    prod = await renderStack({ environment: "prod" });
    vertical = await renderStack({ environment: "prod", scaling: { ingesters: "auto" } });
  });

  it("queriers between 2 and 5, 6 and 4 at 70 % CPU, Alloy metrics between 3 and 10; none in dev", () => {
    const bounds = ofKind(prod, "HorizontalPodAutoscaler").map(({ metadata, spec }) => [
      metadata.name,
      ...[spec.minReplicas, spec.maxReplicas],
      spec.metrics.map(({ resource }: KubernetesObject) => [
        resource["name"],
        resource["target"].averageUtilization,
      ]),
    ]);
    expect(bounds).to.have.deep.members([
      ["loki-querier", 2, 5, [["cpu", 70]]],
      ["mimir-querier", 2, 6, [["cpu", 70]]],
      ["tempo-querier", 2, 4, [["cpu", 70]]],
    ]);
    const { spec } = find(prod, "ScaledObject", "alloy-metrics");
    expect([spec.minReplicaCount, spec.maxReplicaCount]).to.deep.equal([3, 10]);
    for (const kind of ["HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"])
      expect(ofKind(dev, kind), kind).to.deep.equal([]);
  });

  it("an autoscaler's target exists, without a number of replicas and with a CPU request", () => {
    const scalers = [...ofKind(prod, "HorizontalPodAutoscaler"), ...ofKind(prod, "ScaledObject")];
    const targets = workloads(prod).filter((one) => scalerOf(prod, one));
    expect(targets).to.have.length(scalers.length).and.to.have.length(4);
    for (const target of targets) {
      const { metadata, spec } = target.object;
      expect(spec.replicas ?? undefined, metadata.name).to.equal(undefined);
      // Without a request there is no percentage of it, and the autoscaler shows <unknown>.
      for (const container of containersOf(target).filter(({ name }) => !/init|copy/.test(name)))
        expect(container.resources?.requests, `${metadata.name} ${container.name}`).to.have.property("cpu");
    }
    for (const one of workloads(prod).filter(({ object }) => object.kind !== "DaemonSet"))
      if (!scalerOf(prod, one) && one.object.kind !== "Job")
        expect(one.object["spec"].replicas, one.object.metadata.name).to.be.a("number");
  });

  it("vertical autoscaling is only for the three ingesters, and never for a horizontally scaled workload", () => {
    const autoscalers = ofKind(vertical, "VerticalPodAutoscaler");
    expect(autoscalers.map(({ metadata }) => metadata.name)).to.have.members([
      ...["loki-ingester", "mimir-ingester", "tempo-ingester"],
    ]);
    for (const { metadata, spec } of autoscalers) {
      const target = workloads(vertical).find(
        (one) =>
          one.object.kind === spec.targetRef.kind &&
          one.object.metadata.name === spec.targetRef.name &&
          within(one) === metadata.namespace,
      );
      expect(target, metadata.name).not.to.equal(undefined);
      expect(target && scalerOf(vertical, target), metadata.name).to.equal(undefined);
    }
  });

  it("a drain evicts one pod of several at a time, and is never blocked", () => {
    for (const stack of [dev, prod, vertical]) {
      const budgets = stack.objects.filter(({ object }) => object.kind === "PodDisruptionBudget");
      for (const { name, namespace, labels, replicas, budgetOfOperator } of podsOf(stack)) {
        const own = budgets.filter(
          (budget) => within(budget) === namespace && selects(budget.object["spec"].selector, labels),
        );
        // With two budgets for one pod, it is never evicted.
        expect(own.length, name).to.be.at.most(1);
        for (const { object } of own) {
          expect(disruptionsAllowed(object, replicas), name).to.equal(1);
          expect(object["spec"].maxUnavailable, name).to.equal(1);
        }
        if (replicas > 1) expect(own.length + (budgetOfOperator ? 1 : 0), name).to.equal(1);
      }
    }
    const budget = (spec: object) => disruptionsAllowed({ spec } as unknown as KubernetesObject, 1);
    expect([budget({ minAvailable: 1 }), budget({ maxUnavailable: "50%" })]).to.deep.equal([0, 1]);
  });

  it("with `preferred`, no pod requires a node of its own, and with `required` all replicas do", async () => {
    const required = async (antiAffinity: string) =>
      podsOf(await renderStack({ ...ready("prod"), cluster: { antiAffinity } })).filter(
        ({ replicas, affinity }) =>
          replicas > 1 && affinity?.["podAntiAffinity"]?.requiredDuringSchedulingIgnoredDuringExecution,
      );
    expect((await required("preferred")).map(({ name }) => name)).to.deep.equal([]);
    expect((await required("required")).length).to.be.greaterThan(20);
  });

  it("several pods are spread over nodes and zones in prod; dev has one node", () => {
    const several = podsOf(prod).filter(({ replicas }) => replicas > 1);
    expect(several.length).to.be.greaterThan(20);
    for (const { name, labels, affinity, topologySpreadConstraints = [] } of several) {
      const podAntiAffinity: KubernetesObject = affinity?.["podAntiAffinity"] ?? {};
      // Members of a quorum must be on different nodes, all others should be.
      const required = podAntiAffinity["requiredDuringSchedulingIgnoredDuringExecution"] ?? [];
      const preferred = podAntiAffinity["preferredDuringSchedulingIgnoredDuringExecution"] ?? [];
      const nodes = [
        ...required,
        ...preferred.map(({ podAffinityTerm }: KubernetesObject) => podAffinityTerm),
      ].filter(
        (term: KubernetesObject) =>
          term["topologyKey"] === "kubernetes.io/hostname" && selects(term["labelSelector"], labels),
      );
      expect(nodes, name).not.to.deep.equal([]);
      const zones = topologySpreadConstraints.filter(
        (one) =>
          one["topologyKey"] === "topology.kubernetes.io/zone" && selects(one["labelSelector"], labels),
      );
      expect(zones, name).to.have.length(1);
      const quorum =
        /^(minio|(loki|mimir|tempo)-ingester|mimir-store-gateway|.*alertmanager|.*prometheus)$/.test(name);
      if (quorum) expect(required, name).not.to.deep.equal([]);
      // A required term would leave the replicas of an autoscaler, and of a small cluster, Pending.
      else expect(required, name).to.deep.equal([]);
      expect(zones[0]?.["whenUnsatisfiable"], name).to.equal(quorum ? "DoNotSchedule" : "ScheduleAnyway");
    }
    for (const { name, affinity, topologySpreadConstraints } of podsOf(dev)) {
      expect(affinity?.["podAntiAffinity"], name).to.equal(undefined);
      expect(topologySpreadConstraints ?? [], name).to.deep.equal([]);
    }
  });
});
