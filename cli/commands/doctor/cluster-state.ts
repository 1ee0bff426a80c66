/** What the cluster holds, each kind read once however many checks look at it. */
import {
  AppsV1Api,
  CoreV1Api,
  type CoreV1Event,
  type KubeConfig,
  type V1DaemonSet,
  type V1Deployment,
  type V1Node,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1Secret,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { type HelmRelease, readReleases } from "../../lib/helm-history";
import { type ContainerLog, readLogs } from "./logs";

/** Calls a function once, and gives its result again after that. */
const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
  let result: Promise<T> | undefined;
  return () => {
    result ??= read();
    return result;
  };
};

/** Objects of the stack's namespaces; nodes are the whole cluster's. */
export interface ClusterState {
  nodes(): Promise<V1Node[]>;
  pods(): Promise<V1Pod[]>;
  events(): Promise<CoreV1Event[]>;
  claims(): Promise<V1PersistentVolumeClaim[]>;
  deployments(): Promise<V1Deployment[]>;
  statefulSets(): Promise<V1StatefulSet[]>;
  daemonSets(): Promise<V1DaemonSet[]>;
  /** Secrets but those in which Helm keeps its releases. */
  secrets(): Promise<V1Secret[]>;
  /** Helm's releases in the stack's namespaces, the newest revision of each. */
  releases(): Promise<HelmRelease[]>;
  /** What the stack's containers wrote in the last minutes; a container that gives none has none. */
  logs(): Promise<ContainerLog[]>;
}

export function clusterState(config: KubeConfig, settings: Settings): ClusterState {
  const ours: ReadonlySet<string> = new Set(Object.values(namespaces(settings)));
  /** Objects of the stack's own namespaces. */
  const inStack = <T extends { metadata?: { namespace?: string } }>({ items }: { items: T[] }): T[] =>
    items.filter(({ metadata }) => ours.has(metadata?.namespace ?? ""));
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const pods = once(async () => inStack(await core.listPodForAllNamespaces()));
  const secrets = (labelSelector: string) => core.listSecretForAllNamespaces({ labelSelector });
  return {
    nodes: once(async () => (await core.listNode()).items),
    pods,
    events: once(async () => inStack(await core.listEventForAllNamespaces())),
    claims: once(async () => inStack(await core.listPersistentVolumeClaimForAllNamespaces())),
    deployments: once(async () => inStack(await apps.listDeploymentForAllNamespaces())),
    statefulSets: once(async () => inStack(await apps.listStatefulSetForAllNamespaces())),
    daemonSets: once(async () => inStack(await apps.listDaemonSetForAllNamespaces())),
    secrets: once(async () => inStack(await secrets("owner!=helm"))),
    releases: once(async () => readReleases(config, ours)),
    logs: once(async () => readLogs(core, await pods())),
  };
}
