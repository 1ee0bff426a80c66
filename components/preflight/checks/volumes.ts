/**
 * Existing volumes compared with the settings. The volume claim templates of a StatefulSet are immutable
 * (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#limitations), so a release with another size
 * or class fails midway. An operator that recreates its StatefulSet leaves the existing volumes at their size.
 */
import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Problem, Settings } from "../../../settings";
import { bytesOf, quantity } from "../../../settings/units";
import { minioClaims } from "../../../values/minio";
import { ownsClaim, type WorkloadVolumes, workloadVolumes } from "../../../values/volumes";
import { type Check, error, warning } from "../check";
import type { Facts } from "../facts";

/** Facts about existing volumes. */
export type LiveVolumes = Pick<Facts, "statefulSets" | "claims">;

const key = (namespace: string | undefined, name: string | undefined) => `${namespace}/${name}`;

const bytes = (claim: Pick<V1PersistentVolumeClaim, "spec"> | undefined): number =>
  bytesOf(claim?.spec?.resources?.requests?.["storage"] ?? "0");

/** The volume claim template of a workload; undefined if its StatefulSet does not exist. */
const templateOf = (live: LiveVolumes, { namespace, name, template }: WorkloadVolumes) =>
  live.statefulSets
    .find(({ metadata }) => key(metadata?.namespace, metadata?.name) === key(namespace, name))
    ?.spec?.volumeClaimTemplates?.find(({ metadata }) => metadata?.name === template);

/** The volumes of a workload. */
const claimsOf = (live: LiveVolumes, volumes: WorkloadVolumes): V1PersistentVolumeClaim[] =>
  live.claims.filter(
    ({ metadata }) => metadata?.namespace === volumes.namespace && ownsClaim(volumes, metadata.name ?? ""),
  );

/** The volumes of a workload that are smaller than its setting, smallest first. */
export const smallerClaims = (live: LiveVolumes, volumes: WorkloadVolumes): V1PersistentVolumeClaim[] =>
  claimsOf(live, volumes)
    .filter((claim) => bytes(claim) < volumes.size)
    .sort((a, b) => bytes(a) - bytes(b));

/** Whether a StatefulSet has a smaller size in its template than in its setting, so that it must be recreated. */
export const needsRecreation = (live: LiveVolumes, volumes: WorkloadVolumes): boolean => {
  const template = templateOf(live, volumes);
  return volumes.owner === "statefulset" && template !== undefined && bytes(template) < volumes.size;
};

/** A size that up cannot apply. */
function sizeProblems(stack: string, live: LiveVolumes, volumes: WorkloadVolumes): Problem[] {
  const { path, size, namespace, owner, name } = volumes;
  const was = quantity(size);
  const [smallest] = smallerClaims(live, volumes);
  const template = templateOf(live, volumes);
  const [claim] = claimsOf(live, volumes);
  const has = owner === "statefulset" ? template : owner === "operator" ? smallest : claim;
  const refused =
    owner === "statefulset" ? bytes(has) !== size : owner === "operator" ? true : bytes(has) > size;
  if (!has || !refused) return [];
  const now = quantity(bytes(has));
  const whose = `the volumes of ${namespace}/${name} have that size`;
  const allowed =
    bytes(has) > size
      ? `${now} or more: ${whose}, and a volume cannot shrink`
      : `${now}, because ${whose}; to grow them, run ./obs upgrade --volumes ${stack}: docs/guides/upgrades.md`;
  return [{ path, was, allowed }];
}

/** A class that existing volumes do not have. */
function classProblems(settings: Settings, live: LiveVolumes): Problem[] {
  const wanted = settings.cluster.storageClass;
  const all = workloadVolumes(settings);
  const sets = all.flatMap((volumes) => {
    const template = volumes.owner === "statefulset" ? templateOf(live, volumes) : undefined;
    return template
      ? [{ who: key(volumes.namespace, volumes.name), has: template.spec?.storageClassName }]
      : [];
  });
  // A PVC of its own gets the cluster's default if it requests no class: only a requested class can conflict.
  const own = new Set([
    ...(settings.objectStorage.kind === "minio"
      ? minioClaims(settings).map(({ name }) => key(namespaces(settings).minio, name))
      : []),
    ...all.filter(({ owner }) => owner === "release").map(({ namespace, name }) => key(namespace, name)),
  ]);
  const claims = live.claims
    .map(({ metadata, spec }) => ({
      who: key(metadata?.namespace, metadata?.name),
      has: spec?.storageClassName,
    }))
    .filter(({ who }) => wanted && own.has(who));
  const others = [...sets, ...claims].filter(({ has }) => has !== wanted);
  const [first] = others;
  if (!first) return [];
  const have = [...new Set(others.map(({ has }) => has))].map((has) => {
    const who = others.filter((other) => other.has === has).map((other) => other.who);
    return `the volumes of ${who.join(", ")} request ${has ?? "none"}`;
  });
  const reason = `${have.join(", ")}, which cannot change; docs/guides/upgrades.md explains how to move them`;
  return [{ path: "cluster.storageClass", was: wanted, allowed: `${first.has ?? "nothing"}: ${reason}` }];
}

/**
 * Changes that the settings require, but that cannot be applied to existing volumes. Missing volumes, and changes that
 * the cluster makes automatically, are not problems.
 *
 * @param stack name of the stack, for the commands in the messages
 */
export const volumeProblems = (stack: string, settings: Settings, live: LiveVolumes): Problem[] => [
  ...workloadVolumes(settings).flatMap((volumes) => sizeProblems(stack, live, volumes)),
  ...classProblems(settings, live),
];

/** Volumes of MinIO that its StatefulSet recreated: the size in its immutable template is not that of the setting. */
export function recreatedClaims(stack: string, settings: Settings, { claims }: LiveVolumes): Problem[] {
  const names = new Set(minioClaims(settings).map(({ name }) => name));
  const own = claims.filter(
    ({ metadata }) =>
      settings.objectStorage.kind === "minio" &&
      metadata?.namespace === namespaces(settings).minio &&
      names.has(metadata.name ?? ""),
  );
  const size = Math.max(...own.map(bytes));
  return own
    .filter((claim) => bytes(claim) < size)
    .map((claim) => ({
      path: "objectStorage.minio.disk",
      was: quantity(settings.objectStorage.minio.disk),
      allowed: `the size of every volume: ${key(claim.metadata?.namespace, claim.metadata?.name)} has ${quantity(bytes(claim))}, because it was deleted and its StatefulSet recreated it`,
      change: `Run ./obs refresh ${stack}, then ./obs up ${stack}. Its StorageClass needs allowVolumeExpansion`,
    }));
}

/** Existing volumes have the size and class in the settings, or can change to them. */
export const check: Check<"statefulSets" | "claims"> = {
  name: "volumes",
  needs: ["statefulSets", "claims"],
  protectsData: true,
  find: ({ stack, settings, facts }) => [
    ...volumeProblems(stack, settings, facts).map(error),
    ...recreatedClaims(stack, settings, facts).map((problem) => ({
      ...warning(problem),
      unhealthy: true as const,
    })),
  ],
};
