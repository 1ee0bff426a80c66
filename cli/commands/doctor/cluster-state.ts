/** The cluster's objects, each kind read once for all checks. */
import { CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { readReleases } from "../../lib/helm-history";

/** Calls a function once, and returns its result again after that. */
const once = <T>(read: () => Promise<T>): (() => Promise<T>) => {
  let result: Promise<T> | undefined;
  return () => {
    result ??= read();
    return result;
  };
};

export type ClusterState = ReturnType<typeof clusterState>;

/** Objects of the stack's namespaces; nodes are the whole cluster's. */
export function clusterState(config: KubeConfig, settings: Settings) {
  const ours: ReadonlySet<string> = new Set(Object.values(namespaces(settings)));
  const core = config.makeApiClient(CoreV1Api);
  /** Reads a kind in all namespaces, and keeps the stack's own. */
  const list = <T extends { metadata?: { namespace?: string } }>(read: () => Promise<{ items: T[] }>) =>
    once(async () => (await read()).items.filter(({ metadata }) => ours.has(metadata?.namespace ?? "")));
  return {
    nodes: once(async () => (await core.listNode()).items),
    pods: list(() => core.listPodForAllNamespaces()),
    events: list(() => core.listEventForAllNamespaces()),
    claims: list(() => core.listPersistentVolumeClaimForAllNamespaces()),
    /** Without the Secrets in which Helm keeps its releases. */
    secrets: list(() => core.listSecretForAllNamespaces({ labelSelector: "owner!=helm" })),
    /** The newest revision of each release of Helm. */
    releases: once(() => readReleases(config, ours)),
  };
}

/** Seconds after the start of a pod in which it may still be getting ready: a WAL is replayed, rings are joined. */
export const settling = 180;

/** The pods of a component in a namespace, by the label of the charts of Loki, Mimir and Tempo. */
export const podsOf = (pods: V1Pod[], namespace: string, component: string): V1Pod[] =>
  pods.filter(
    ({ metadata }) =>
      metadata?.namespace === namespace && metadata.labels?.["app.kubernetes.io/component"] === component,
  );

/** Seconds since the last start of a container that runs. */
export function age({ status }: V1Pod, now = Date.now()): number {
  const starts = (status?.containerStatuses ?? []).map(({ state }) => Number(state?.running?.startedAt ?? 0));
  return (now - Math.max(0, ...starts)) / 1000;
}
