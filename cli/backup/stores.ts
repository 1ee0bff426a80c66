/** Stopping those who write to the buckets, and starting them again. */
import { setTimeout as wait } from "node:timers/promises";
import {
  AppsV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import type { Client } from "minio";
import { podsOf } from "../../components/port-forward";
import { type Consumer, consumers, namespaces } from "../../names";
import type { Settings } from "../../settings";
import { list } from "./mirror";

/** Annotation with the replicas that a workload had; with it a restore that was broken off finds them again. */
export const replicasBefore = "observability/replicas-before-restore";

type Kind = "Deployment" | "StatefulSet";
type Scaled = V1Deployment | V1StatefulSet;

/** Seconds that pods may take to end; an ingester writes what it has before it does. */
const stopWithin = 1200;

/** What a workload's replicas and annotation become. @param replicas undefined: those that it had before */
export function scaling(
  { metadata, spec }: Scaled,
  replicas: number | undefined,
): { metadata: { annotations: Record<string, string | null> }; spec: { replicas: number } } | undefined {
  const before = metadata?.annotations?.[replicasBefore];
  if (replicas === undefined)
    return before === undefined
      ? undefined
      : { metadata: { annotations: { [replicasBefore]: null } }, spec: { replicas: Number(before) } };
  // Stopped twice, it still had what it had at first.
  return {
    metadata: { annotations: { [replicasBefore]: before ?? String(spec?.replicas ?? 1) } },
    spec: { replicas },
  };
}

/** Scales a workload and notes what it had; without replicas it gets those back. */
export async function replicasTo(
  config: KubeConfig,
  kind: Kind,
  workload: Scaled,
  replicas: number | undefined,
): Promise<void> {
  const api = config.makeApiClient(AppsV1Api);
  const of = { name: workload.metadata?.name ?? "", namespace: workload.metadata?.namespace ?? "" };
  const now =
    kind === "Deployment" ? await api.readNamespacedDeployment(of) : await api.readNamespacedStatefulSet(of);
  const body = scaling(now, replicas);
  if (!body) return;
  const options = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  if (kind === "Deployment") await api.patchNamespacedDeployment({ ...of, body }, options);
  else await api.patchNamespacedStatefulSet({ ...of, body }, options);
}

const componentOf = ({ metadata }: Scaled) => metadata?.labels?.["app.kubernetes.io/component"] ?? "";

/** A store's workloads that know its bucket: all but the gateway. */
async function workloads(config: KubeConfig, store: Consumer): Promise<{ kind: Kind; workload: Scaled }[]> {
  const api = config.makeApiClient(AppsV1Api);
  const namespace = namespaces[store];
  const found: { kind: Kind; workload: Scaled }[] = [
    ...(await api.listNamespacedDeployment({ namespace })).items.map((one) => ({
      kind: "Deployment" as const,
      workload: one,
    })),
    ...(await api.listNamespacedStatefulSet({ namespace })).items.map((one) => ({
      kind: "StatefulSet" as const,
      workload: one,
    })),
  ];
  return found.filter(({ workload }) => componentOf(workload) !== "gateway");
}

/** Stops the stores, and waits until their pods have ended. @throws when they have not in time */
export async function stop(config: KubeConfig): Promise<void> {
  for (const store of consumers) {
    const all = await workloads(config, store);
    for (const { kind, workload } of all) await replicasTo(config, kind, workload, 0);
  }
  const deadline = Date.now() + stopWithin * 1000;
  for (const store of consumers)
    for (;;) {
      const selector = "app.kubernetes.io/component,app.kubernetes.io/component!=gateway";
      const pods = (await podsOf(config, { namespace: namespaces[store], selector })).filter(({ metadata }) =>
        metadata?.ownerReferences?.some(({ kind }) => kind === "ReplicaSet" || kind === "StatefulSet"),
      );
      if (pods.length === 0) break;
      if (Date.now() > deadline)
        throw new Error(
          `${pods[0]?.metadata?.name} did not end within ${stopWithin} s. Run the same command again`,
        );
      await wait(2000);
    }
}

/** The list of blocks that a store's compactor writes for each tenant, from which all others know them. */
const blockLists = {
  mimir: { bucket: "mimirBlocks", list: /(^|\/)bucket-index\.json\.gz$/ },
  tempo: { bucket: "tempo", list: /(^|\/)index\.json\.gz$/ },
} as const;

/** Seconds that a compactor may take to list the blocks anew. Without that, the newest are found a quarter hour later. */
const listWithin = 300;

/**
 * Starts the stores again: first Mimir's and Tempo's compactors, which list the blocks that are there now, then the
 * others, who read those lists when they start.
 */
export async function start(
  config: KubeConfig,
  client: Client | undefined,
  settings: Settings,
): Promise<void> {
  const begin = async (store: Consumer, first: boolean) => {
    for (const { kind, workload } of await workloads(config, store))
      if (!first || componentOf(workload) === "compactor")
        await replicasTo(config, kind, workload, undefined);
  };
  if (client)
    await Promise.all(
      (["mimir", "tempo"] as const).map(async (store) => {
        const { bucket, list: pattern } = blockLists[store];
        const { name } = settings.objectStorage.buckets[bucket];
        const lists = async () =>
          new Map(
            (await list(client, name))
              .filter(({ key }) => pattern.test(key))
              .map(({ key, etag }) => [key, etag]),
          );
        const old = await lists();
        await begin(store, true);
        const deadline = Date.now() + listWithin * 1000;
        const stale = async () => {
          const now = await lists();
          return [...old].some(([key, etag]) => now.get(key) === etag);
        };
        while ((await stale()) && Date.now() < deadline) await wait(3000);
      }),
    );
  for (const store of consumers) await begin(store, false);
}
