/**
 * Whether the members of a store's rings that run now understand the ones that the settings make. If they do not, a
 * rollout splits the ring in two. Read before anything is registered, so that a preview refuses it too.
 */
import { isDeepStrictEqual } from "node:util";
import { ApiException, AppsV1Api, CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { gossipLabel, namespaces, type Store, stores } from "../../names";
import { type Problem, type Settings, UserError } from "../../settings";
import { type Gossip, gossipAt, gossipSteps } from "../../values/gossip";
import { kubeConfig } from "../kube-config";

/** A store as it runs. */
export interface LiveGossip {
  gossip: Gossip;
  /** Workloads whose pods do not all have the newest configuration yet. */
  rolling: string[];
}

/** The ConfigMap with a store's configuration, and its key: the names that the charts give them. */
export const configurations: Record<Store, { name: string; key: string }> = {
  loki: { name: "loki", key: "config.yaml" },
  mimir: { name: "mimir-config", key: "mimir.yaml" },
  tempo: { name: "tempo-config", key: "tempo.yaml" },
};

/** What a configuration says about gossip. */
export function gossipOf(configuration: string): Gossip {
  const { cluster_label, cluster_label_verification_disabled } = parse(configuration)?.memberlist ?? {};
  return { label: cluster_label ?? "", verified: cluster_label_verification_disabled !== true };
}

const list = (found: { store: Store }[]) => found.map(({ store }) => store).join(", ");

/**
 * Settings that would split a ring.
 *
 * @param live the stores that run; one that is not there has no ring to split
 */
export function gossipProblems(
  stack: string,
  settings: Settings,
  live: Partial<Record<Store, LiveGossip>>,
): Problem[] {
  const was = settings.cluster.gossipLabels;
  const wanted = gossipSteps.indexOf(was);
  const found = stores.flatMap((store) => {
    if (!live[store]) return [];
    const at = gossipSteps.findIndex((step) =>
      isDeepStrictEqual(live[store]?.gossip, gossipAt(step, store, settings)),
    );
    return [{ store, at, ...live[store] }];
  });
  const [foreign] = found.filter(({ at }) => at < 0);
  if (foreign) {
    const { store, gossip } = foreign;
    const allowed =
      `the name that the stack was installed with: the members of ${store}'s rings have the gossip label ` +
      `"${gossip.label}", and with this name it would be "${gossipLabel(store, settings)}"`;
    return [{ path: "cluster.name", was: settings.cluster.name, allowed }];
  }
  const path = "cluster.gossipLabels";
  const moving = found.filter(({ at }) => at !== wanted);
  const far = moving.filter(({ at }) => Math.abs(wanted - at) > 1);
  if (far[0]) {
    const next = gossipSteps[far[0].at + Math.sign(wanted - far[0].at)];
    const allowed = `${next}: members of the rings that run now (${list(far)}) discard what members at the step ${was} send; docs/upgrades.md`;
    const change = `set it with: pulumi config set --stack ${stack} --path '${path}' ${next}; then ./obs up ${stack}, and take the next step`;
    return [{ path, was, allowed, change }];
  }
  const rolling = moving.flatMap((each) => each.rolling);
  if (moving[0] && rolling.length > 0) {
    const allowed = `${gossipSteps[moving[0].at]} until the last rollout is complete: ${rolling.join(", ")}`;
    return [{ path, was, allowed, change: "wait until these workloads are ready, then run up again" }];
  }
  return [];
}

/** Reads a store; undefined if it is not there. */
async function liveStore(config: KubeConfig, store: Store): Promise<LiveGossip | undefined> {
  const namespace = namespaces[store];
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
    const { message, cause } = error as Error;
    throw new UserError(
      `the configuration of ${store} cannot be read, so nothing was changed: ${cause instanceof Error ? cause.message : message}\n` +
        `    the cluster must answer, and its user may read ConfigMaps, StatefulSets and Deployments in namespace ${namespace}`,
    );
  }
}

/** Compares the settings with the stores in the cluster; nothing without an engine, because no cluster is reached then. */
export async function preflightGossip(stack: string, settings: Settings): Promise<Problem[]> {
  if (!pulumi.runtime.hasEngine()) return [];
  const config = kubeConfig(settings);
  const live = await Promise.all(
    stores.map(async (store) => [store, await liveStore(config, store)] as const),
  );
  return gossipProblems(stack, settings, Object.fromEntries(live));
}
