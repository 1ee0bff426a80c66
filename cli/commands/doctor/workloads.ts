/** Deployments, StatefulSets and DaemonSets with the pods that they want and have. */
import {
  AppsV1Api,
  type KubeConfig,
  type V1LabelSelector,
  type V1ObjectMeta,
  type V1Pod,
} from "@kubernetes/client-node";

export interface Workload {
  kind: "Deployment" | "StatefulSet" | "DaemonSet";
  namespace: string;
  name: string;
  /** Pods that its specification asks for. */
  wanted: number;
  ready: number;
  labels: Record<string, string>;
}

/** An object of any of the three kinds, as far as it is read. */
interface Raw {
  metadata?: V1ObjectMeta;
  spec?: { replicas?: number; selector: V1LabelSelector };
  status?: { readyReplicas?: number; numberReady?: number; desiredNumberScheduled?: number };
}

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

/** All workloads of the cluster. */
export async function readWorkloads(config: KubeConfig): Promise<Workload[]> {
  const apps = config.makeApiClient(AppsV1Api);
  const [deployments, statefulSets, daemonSets] = await Promise.all([
    apps.listDeploymentForAllNamespaces(),
    apps.listStatefulSetForAllNamespaces(),
    apps.listDaemonSetForAllNamespaces(),
  ]);
  return [
    ...deployments.items.map(workload("Deployment")),
    ...statefulSets.items.map(workload("StatefulSet")),
    ...daemonSets.items.map(workload("DaemonSet")),
  ];
}

/** Whether a pod belongs to a workload. */
export const isOf = ({ namespace, labels }: Workload, { metadata }: V1Pod): boolean =>
  namespace === metadata?.namespace &&
  Object.keys(labels).length > 0 &&
  Object.entries(labels).every(([key, value]) => metadata?.labels?.[key] === value);
