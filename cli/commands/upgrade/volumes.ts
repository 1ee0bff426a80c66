/** `obs upgrade --volumes`: grows volumes to the size in the settings, if `up` alone cannot. */
import { AppsV1Api, CoreV1Api, type KubeConfig, StorageV1Api } from "@kubernetes/client-node";
import {
  type LiveVolumes,
  needsRecreation,
  smallerClaims,
} from "../../../components/preflight/checks/volumes";
import { UserError } from "../../../settings";
import { quantity } from "../../../settings/units";
import type { WorkloadVolumes } from "../../../values/volumes";

type Plan = ReturnType<typeof planOf>;

/** The steps for volumes below the size in the settings. `up` itself expands a volume that a release owns. */
export function planOf(all: WorkloadVolumes[], live: LiveVolumes) {
  const ours = all.filter(({ owner }) => owner !== "release");
  return {
    grow: ours.flatMap((volumes) =>
      smallerClaims(live, volumes).map(({ metadata, spec }) => ({
        namespace: volumes.namespace,
        name: metadata?.name ?? "",
        from: spec?.resources?.requests?.["storage"] ?? "",
        to: quantity(volumes.size),
        storageClass: spec?.storageClassName ?? "",
      })),
    ),
    /** StatefulSets to delete without their pods; `up` creates them again with the new template. */
    remove: ours
      .filter((volumes) => needsRecreation(live, volumes))
      .map(({ namespace, name }) => ({ namespace, name })),
  };
}

/** A line for each step. */
export const planLines = ({ grow, remove }: Plan): string[] => [
  ...grow.map(({ namespace, name, from, to }) => `volume ${namespace}/${name}: ${from} to ${to}`),
  ...remove.map(
    ({ namespace, name }) =>
      `StatefulSet ${namespace}/${name}: deleted without its pods, until up recreates it`,
  ),
];

/** @throws UserError if the StorageClass of a volume does not allow expansion */
async function refuseFixed(config: KubeConfig, { grow }: Plan): Promise<void> {
  const { items } = await config.makeApiClient(StorageV1Api).listStorageClass();
  const grows = items.filter((item) => item.allowVolumeExpansion).map(({ metadata }) => metadata?.name);
  const fixed = grow.filter(({ storageClass }) => !grows.includes(storageClass));
  if (fixed.length === 0) return;
  throw new UserError(
    `these volumes cannot grow, because their StorageClass has no allowVolumeExpansion; no changes were made:\n` +
      fixed
        .map(({ namespace, name, storageClass }) => `  ${namespace}/${name} (${storageClass})\n`)
        .join("") +
      "    set it on the StorageClass if its driver supports it, or move the volumes: docs/guides/upgrades.md",
  );
}

/** Runs a plan; another run completes an interrupted one. @throws UserError before any change, if a volume cannot grow */
export async function applyPlan(config: KubeConfig, plan: Plan, tell: (step: string) => void): Promise<void> {
  await refuseFixed(config, plan);
  const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
  // Volumes first: `up` creates a deleted StatefulSet again even if its volumes are still small.
  for (const { namespace, name, to } of plan.grow) {
    const path = "/spec/resources/requests/storage";
    const body = [{ op: "replace", path, value: to }];
    await core.patchNamespacedPersistentVolumeClaim({ namespace, name, body });
    tell(`volume ${namespace}/${name} grows to ${to}`);
  }
  for (const { namespace, name } of plan.remove) {
    await apps.deleteNamespacedStatefulSet({ namespace, name, propagationPolicy: "Orphan" });
    tell(`StatefulSet ${namespace}/${name} is deleted, its pods keep running`);
  }
}
