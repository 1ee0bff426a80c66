/** Whether a stack is healthy: nodes, workloads and rings. */
import { AppsV1Api, CoreV1Api, type KubeConfig, type V1Node } from "@kubernetes/client-node";
import { check as rings } from "../../cli/commands/doctor/checks/rings";
import { clusterState } from "../../cli/commands/doctor/cluster-state";
import type { Settings } from "../../settings";
import { namespaces } from "../support/names";

/** Whether a node is ready and schedulable. */
export const isNodeReady = ({ spec, status }: V1Node): boolean =>
  !spec?.unschedulable &&
  (status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false);

/** Numbers of a workload's pods. */
export interface Pods {
  kind: string;
  namespace: string;
  name: string;
  wanted: number;
  ready: number;
  /** Pods of the newest template; undefined if no controller replaces pods automatically. */
  updated: number | undefined;
  /** All pods, including old and terminating ones. */
  all: number;
  /** Whether the numbers belong to the newest specification. */
  observed: boolean;
}

/** The problem with a workload; undefined if there is none. */
export function workloadTrouble({
  kind,
  namespace,
  name,
  wanted,
  ready,
  updated,
  all,
  observed,
}: Pods): string | undefined {
  if (observed && ready >= wanted && (updated ?? wanted) >= wanted && all <= wanted) return undefined;
  const renewed = updated === undefined ? "" : `, ${updated} updated`;
  return `${kind} ${namespace}/${name}: ${ready} of ${wanted} ready${renewed}`;
}

/** Pods of all workloads of the stack. */
export async function workloadPods(config: KubeConfig): Promise<Pods[]> {
  const apps = config.makeApiClient(AppsV1Api);
  const [deployments, statefulSets, daemonSets] = await Promise.all([
    apps.listDeploymentForAllNamespaces(),
    apps.listStatefulSetForAllNamespaces(),
    apps.listDaemonSetForAllNamespaces(),
  ]);
  const ours: string[] = Object.values(namespaces);
  const pods = [
    ...deployments.items.map(
      ({ metadata, spec, status }): Pods => ({
        ...{ kind: "Deployment", namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" },
        ...{ wanted: spec?.replicas ?? 1, ready: status?.readyReplicas ?? 0 },
        ...{ updated: status?.updatedReplicas ?? 0, all: status?.replicas ?? 0 },
        observed: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
      }),
    ),
    ...statefulSets.items.map(
      ({ metadata, spec, status }): Pods => ({
        ...{ kind: "StatefulSet", namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" },
        ...{ wanted: spec?.replicas ?? 1, ready: status?.readyReplicas ?? 0, all: status?.replicas ?? 0 },
        updated:
          spec?.updateStrategy?.type === "OnDelete" || status?.currentRevision === status?.updateRevision
            ? undefined
            : (status?.updatedReplicas ?? 0),
        observed: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
      }),
    ),
    ...daemonSets.items.map(
      ({ metadata, status }): Pods => ({
        ...{ kind: "DaemonSet", namespace: metadata?.namespace ?? "", name: metadata?.name ?? "" },
        ...{ wanted: status?.desiredNumberScheduled ?? 0, ready: status?.numberReady ?? 0 },
        ...{ updated: status?.updatedNumberScheduled ?? 0, all: status?.currentNumberScheduled ?? 0 },
        observed: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
      }),
    ),
  ];
  return pods.filter(({ namespace }) => ours.includes(namespace));
}

/**
 * Problems of a stack: nodes, then workloads, then rings. Empty if it is healthy.
 *
 * @param ignore workloads that need not be ready, as `namespace/name`
 */
export async function troubles(
  stack: string,
  settings: Settings,
  config: KubeConfig,
  ignore: string[] = [],
): Promise<string[]> {
  const { items } = await config.makeApiClient(CoreV1Api).listNode();
  const nodes = items
    .filter((node) => !isNodeReady(node))
    .map(({ metadata }) => `node ${metadata?.name}: not ready`);
  const workloads = (await workloadPods(config))
    .filter(({ namespace, name }) => !ignore.includes(`${namespace}/${name}`))
    .flatMap((one) => workloadTrouble(one) ?? []);
  if (nodes.length || workloads.length) return [...nodes, ...workloads];
  const findings = await rings.look({
    stack,
    settings,
    config,
    probe: false,
    cluster: clusterState(config, settings),
  });
  return findings
    .filter(({ severity }) => severity !== "note")
    .map(({ what, evidence }) => `${what} (${evidence})`);
}
