/** Availability after the loss of a pod or a node. */
import { at, valuesOf } from "../pods";
import { always, inProd, type StackRule, type Subject, type SubjectRule, type Tree } from "../rule";
import { selects } from "../selectors";

/** The replicas and labels of a controller of several pods; an autoscaler's minimum if it sets the replicas. */
function replicated(subject: Subject, subjects: Subject[]) {
  if (!["Deployment", "StatefulSet"].includes(subject.kind)) return undefined;
  const { spec } = subject.object;
  const scaler = subjects.find(
    ({ kind, namespace, object }) =>
      kind === "HorizontalPodAutoscaler" &&
      namespace === subject.namespace &&
      object["spec"]?.scaleTargetRef?.name === subject.name,
  );
  const replicas = spec?.replicas ?? scaler?.object["spec"]?.minReplicas ?? 1;
  const labels: Tree | undefined = spec?.template?.metadata?.labels;
  return replicas > 1 && labels ? { replicas: Number(replicas), labels } : undefined;
}

/** Whether a budget lets an eviction remove all pods of a workload. */
function evictsAll({ object }: Subject, replicas: number): boolean {
  const { minAvailable = 0, maxUnavailable } = object["spec"] ?? {};
  // The disruption controller rounds percentages up.
  const pods = (value: number | string) =>
    Math.ceil(
      String(value).endsWith("%") ? (Number.parseFloat(String(value)) / 100) * replicas : Number(value),
    );
  return maxUnavailable === undefined ? pods(minAvailable) < 1 : pods(maxUnavailable) >= replicas;
}

export const disruptionBudgets: StackRule = {
  id: "disruption-budgets",
  requires: "Every workload with more than one replica has a PodDisruptionBudget that keeps at least one.",
  why: "concurrent drains, as in a cluster upgrade, would evict all replicas of a quorum",
  level: always,
  checkStack: (subjects) => {
    const budgets = subjects.filter(({ kind }) => kind === "PodDisruptionBudget");
    return subjects.flatMap((subject) => {
      const pods = replicated(subject, subjects);
      if (!pods) return [];
      const own = budgets.filter(
        ({ namespace, object }) =>
          namespace === subject.namespace && selects(object["spec"]?.selector, pods.labels),
      );
      // An eviction needs the permission of every budget.
      if (own.some((budget) => !evictsAll(budget, pods.replicas))) return [];
      return [
        own.length
          ? {
              subject,
              what: "its PodDisruptionBudget lets all replicas be evicted at once",
              fix: "Set maxUnavailable to 1.",
            }
          : {
              subject,
              what: "it has replicas and no PodDisruptionBudget",
              fix: "Turn podDisruptionBudget on in its values.",
            },
      ];
    });
  },
};

/** Replicas that production requires, by release and by component in the chart's values. */
const askedReplicas: Record<string, Record<string, number>> = {
  loki: { distributor: 3, ingester: 3, queryFrontend: 2, compactor: 1, gateway: 2 },
  mimir: {
    distributor: 3,
    ingester: 3,
    query_frontend: 2,
    store_gateway: 2,
    compactor: 1,
    ruler: 2,
    alertmanager: 3,
    gateway: 2,
  },
  tempo: { distributor: 2, ingester: 3, queryFrontend: 1, compactor: 1, metricsGenerator: 1, gateway: 2 },
};

export const replicaMinimums: SubjectRule = {
  id: "replica-minimums",
  requires: "Production has the minimum replicas for high availability, and three copies of each write.",
  why: "with fewer, the loss of one node loses data or interrupts queries",
  level: inProd,
  check: (subject) => {
    const values = valuesOf(subject);
    if (!values) return [];
    const components = Object.entries(askedReplicas[subject.name] ?? {}).flatMap(([component, asked]) => {
      const replicas = at(values, component, "replicas");
      return typeof replicas === "number" && replicas < asked
        ? [
            {
              what: `${component} has ${replicas} replicas, fewer than ${asked}`,
              fix: `Set ${subject.name}.${component.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())}.replicas to ${asked} or more.`,
            },
          ]
        : [];
    });
    return [...components, ...replication(subject.name, values)];
  },
};

/** The chart value of each store's replication factor. */
const factors: Record<string, string[]> = {
  loki: ["loki", "commonConfig", "replication_factor"],
  mimir: ["mimir", "structuredConfig", "ingester", "ring", "replication_factor"],
  tempo: ["ingester", "config", "replication_factor"],
};

const replication = (release: string, values: Tree) => {
  const factor = factors[release] && at(values, ...factors[release]);
  return typeof factor === "number" && factor < 3
    ? [
        {
          what: `each write goes to ${factor} ingesters, fewer than 3`,
          fix: `Set ${release}.replicationFactor to 3.`,
        },
      ]
    : [];
};

/** In production MinIO has several servers. */
export const storageDistributed: SubjectRule = {
  id: "storage-distributed",
  requires: "Production's MinIO is distributed over at least four servers.",
  why: "the disk of a single server is the only copy of all data",
  level: inProd,
  check: (subject) => {
    const values = valuesOf(subject);
    if (!values || subject.name !== "minio") return [];
    const { mode, replicas } = values;
    return mode === "distributed" && Number(replicas) >= 4
      ? []
      : [
          {
            what: mode === "distributed" ? `it has ${replicas} servers` : `its mode is ${mode}`,
            fix: "Set objectStorage.minio.mode to distributed and servers to 4 or more, or use an external S3 (objectStorage.kind).",
          },
        ];
  },
};
