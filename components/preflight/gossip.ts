/** Gossip settings of the running stores. */
import { ApiException, AppsV1Api, CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { namespaces, type Store, stores } from "../../names";
import type { Settings } from "../../settings";
import type { Gossip } from "../../values/gossip";

/** A running store. */
export interface LiveGossip {
  gossip: Gossip;
  /** Workloads whose pods do not all have the newest configuration yet. */
  rolling: string[];
}

/** The ConfigMap with a store's configuration, and its key, as the charts name them. */
export const configurations: Record<Store, { name: string; key: string }> = {
  loki: { name: "loki", key: "config.yaml" },
  mimir: { name: "mimir-config", key: "mimir.yaml" },
  tempo: { name: "tempo-config", key: "tempo.yaml" },
};

/** The gossip settings in a configuration. */
export function gossipOf(configuration: string): Gossip {
  const { cluster_label, cluster_label_verification_disabled } = parse(configuration)?.memberlist ?? {};
  return { label: cluster_label ?? "", verified: cluster_label_verification_disabled !== true };
}

/** Reads a store; undefined if it is not installed. */
async function liveStore(
  config: KubeConfig,
  settings: Settings,
  store: Store,
): Promise<LiveGossip | undefined> {
  const namespace = namespaces(settings)[store];
  const { name, key } = configurations[store];
  const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
  try {
    const { data } = await core.readNamespacedConfigMap({ namespace, name });
    const [sets, deployments] = await Promise.all([
      apps.listNamespacedStatefulSet({ namespace }),
      apps.listNamespacedDeployment({ namespace }),
    ]);
    const rolling = [...sets.items, ...deployments.items]
      .filter(({ spec, status }) => (status?.updatedReplicas ?? 0) < (spec?.replicas ?? 1))
      .map(({ metadata }) => `${namespace}/${metadata?.name}`);
    return { gossip: gossipOf(data?.[key] ?? ""), rolling };
  } catch (error) {
    if (error instanceof ApiException && error.code === 404) return undefined;
    throw error;
  }
}

/** The running stores. */
export async function liveGossip(
  config: KubeConfig,
  settings: Settings,
): Promise<Partial<Record<Store, LiveGossip>>> {
  const live = await Promise.all(
    stores.map(async (store) => [store, await liveStore(config, settings, store)] as const),
  );
  return Object.fromEntries(live.filter(([, found]) => found));
}
