/** Deployments, StatefulSets and DaemonSets as one: how many pods each wants and has. */
import type { V1LabelSelector, V1ObjectMeta, V1Pod } from "@kubernetes/client-node";
import type { ClusterState } from "./cluster-state";

export interface Workload {
  kind: "Deployment" | "StatefulSet" | "DaemonSet";
  namespace: string;
  name: string;
  /** Pods that its specification asks for now. */
  wanted: number;
  ready: number;
  labels: Record<string, string>;
}

type Raw = {
  metadata?: V1ObjectMeta;
  spec?: { replicas?: number; selector: V1LabelSelector };
  status?: { readyReplicas?: number; numberReady?: number; desiredNumberScheduled?: number };
};

const workload =
  (kind: Workload["kind"]) =>
  ({ metadata, spec, status }: Raw): Workload => ({
    kind,
    namespace: metadata?.namespace ?? "",
    name: metadata?.name ?? "",
    wanted: kind === "DaemonSet" ? (status?.desiredNumberScheduled ?? 0) : (spec?.replicas ?? 1),
    ready: (kind === "DaemonSet" ? status?.numberReady : status?.readyReplicas) ?? 0,
    labels: spec?.selector.matchLabels ?? {},
  });

/** All workloads of the stack's namespaces. */
export async function workloads(cluster: ClusterState): Promise<Workload[]> {
  const [deployments, statefulSets, daemonSets] = await Promise.all([
    cluster.deployments(),
    cluster.statefulSets(),
    cluster.daemonSets(),
  ]);
  return [
    ...deployments.map(workload("Deployment")),
    ...statefulSets.map(workload("StatefulSet")),
    ...daemonSets.map(workload("DaemonSet")),
  ];
}

/** Whether a pod is one of a workload's. */
export const isOf = ({ namespace, labels }: Workload, { metadata }: V1Pod): boolean =>
  namespace === metadata?.namespace &&
  Object.keys(labels).length > 0 &&
  Object.entries(labels).every(([key, value]) => metadata?.labels?.[key] === value);
