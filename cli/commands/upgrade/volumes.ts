/** `obs upgrade --volumes`: grows volumes to what the settings say, where `up` alone cannot. */
import { AppsV1Api, CoreV1Api, type KubeConfig, StorageV1Api } from "@kubernetes/client-node";
import {
  type LiveVolumes,
  mustBeMadeAnew,
  smallerClaims,
} from "../../../components/preflight/checks/volumes";
import { UserError } from "../../../settings";
import { quantity } from "../../../settings/units";
import type { WorkloadVolumes } from "../../../values/volumes";

/** A volume that is to grow. */
export interface Growing {
  namespace: string;
  name: string;
  from: string;
  /** Wanted size, as a quantity. */
  to: string;
  storageClass: string;
}

/** What has to be done, in this order. */
export interface Plan {
  grow: Growing[];
  /** StatefulSets that go, without their pods, so that `up` makes them anew with the new template. */
  remove: { namespace: string; name: string }[];
}

/** What there is to grow; nothing that would become smaller. A volume that the release itself owns is left to `up`. */
export function planOf(all: WorkloadVolumes[], live: LiveVolumes): Plan {
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
    remove: ours
      .filter((volumes) => mustBeMadeAnew(live, volumes))
      .map(({ namespace, name }) => ({ namespace, name })),
  };
}

/** A plan in words, a line for each step. */
export const planLines = ({ grow, remove }: Plan): string[] => [
  ...grow.map(({ namespace, name, from, to }) => `volume ${namespace}/${name}: ${from} to ${to}`),
  ...remove.map(
    ({ namespace, name }) =>
      `StatefulSet ${namespace}/${name}: deleted, its pods go on until up makes it anew`,
  ),
];

/** @throws UserError where a volume's StorageClass does not let it grow */
async function refuseFixed(config: KubeConfig, { grow }: Plan): Promise<void> {
  const { items } = await config.makeApiClient(StorageV1Api).listStorageClass();
  const grows = new Set(
    items.filter((item) => item.allowVolumeExpansion).map(({ metadata }) => metadata?.name),
  );
  const fixed = grow.filter(({ storageClass }) => !grows.has(storageClass));
  if (fixed.length === 0) return;
  throw new UserError(
    `these volumes cannot grow, because their StorageClass has no allowVolumeExpansion; nothing was touched:\n` +
      fixed
        .map(({ namespace, name, storageClass }) => `  ${namespace}/${name} (${storageClass})\n`)
        .join("") +
      "    set it on the StorageClass where its driver can do it, or move the volumes: docs/guides/upgrades.md",
  );
}

/**
 * Carries a plan out. What was done when it stops half-way is done; another run does the rest.
 *
 * @param tell called with each step that was done
 * @throws UserError before anything is touched, where a volume cannot grow
 */
export async function carryOut(config: KubeConfig, plan: Plan, tell: (step: string) => void): Promise<void> {
  await refuseFixed(config, plan);
  const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
  // Volumes first: a StatefulSet that is gone says that they have grown.
  for (const { namespace, name, to } of plan.grow) {
    const path = "/spec/resources/requests/storage";
    const body = [{ op: "replace", path, value: to }];
    await core.patchNamespacedPersistentVolumeClaim({ namespace, name, body });
    tell(`volume ${namespace}/${name} grows to ${to}`);
  }
  for (const { namespace, name } of plan.remove) {
    await apps.deleteNamespacedStatefulSet({ namespace, name, propagationPolicy: "Orphan" });
    tell(`StatefulSet ${namespace}/${name} is deleted, its pods go on`);
  }
}
