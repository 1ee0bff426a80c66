/**
 * Volumes that exist, and what the settings ask of them. The volume claim templates of a StatefulSet are immutable
 * (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#limitations), so a release with another size
 * or class fails midway. An operator that recreates its StatefulSet leaves the existing volumes at their size.
 */
import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Problem, Settings } from "../../../settings";
import { bytesOf, quantity } from "../../../settings/units";
import { minioClaims } from "../../../values/minio";
import { ownsClaim, type WorkloadVolumes, workloadVolumes } from "../../../values/volumes";
import { type Check, error } from "../check";
import type { Facts } from "../facts";

/** What the cluster has. */
export type LiveVolumes = Pick<Facts, "statefulSets" | "claims">;

const key = (namespace: string | undefined, name: string | undefined) => `${namespace}/${name}`;

const bytes = (claim: Pick<V1PersistentVolumeClaim, "spec"> | undefined): number =>
  bytesOf(claim?.spec?.resources?.requests?.["storage"] ?? "0");

/** The template of a workload's claims; undefined where its StatefulSet is not there. */
const templateOf = (live: LiveVolumes, { namespace, name, template }: WorkloadVolumes) =>
  live.statefulSets
    .find(({ metadata }) => key(metadata?.namespace, metadata?.name) === key(namespace, name))
    ?.spec?.volumeClaimTemplates?.find(({ metadata }) => metadata?.name === template);

/** The volumes of a workload. */
export const claimsOf = (live: LiveVolumes, volumes: WorkloadVolumes): V1PersistentVolumeClaim[] =>
  live.claims.filter(
    ({ metadata }) => metadata?.namespace === volumes.namespace && ownsClaim(volumes, metadata.name ?? ""),
  );

/** The volumes of a workload that are smaller than its setting, smallest first. */
export const smallerClaims = (live: LiveVolumes, volumes: WorkloadVolumes): V1PersistentVolumeClaim[] =>
  claimsOf(live, volumes)
    .filter((claim) => bytes(claim) < volumes.size)
    .sort((a, b) => bytes(a) - bytes(b));

/** Whether a StatefulSet has a smaller template than its setting, so that it must be recreated. */
export const mustBeMadeAnew = (live: LiveVolumes, volumes: WorkloadVolumes): boolean => {
  const template = templateOf(live, volumes);
  return volumes.owner === "statefulset" && template !== undefined && bytes(template) < volumes.size;
};

/** A size that cannot come about by itself. */
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
      : `${now}, because ${whose}; to grow them: ./obs upgrade --volumes ${stack}, which docs/guides/upgrades.md explains`;
  return [{ path, was, allowed }];
}

/** A class that volumes which are there do not have. */
function classProblems(settings: Settings, live: LiveVolumes): Problem[] {
  const wanted = settings.cluster.storageClass;
  const all = workloadVolumes(settings);
  const sets = all.flatMap((volumes) => {
    const template = volumes.owner === "statefulset" ? templateOf(live, volumes) : undefined;
    return template
      ? [{ who: key(volumes.namespace, volumes.name), has: template.spec?.storageClassName }]
      : [];
  });
  // A claim of its own gets the cluster's default where it asks for none: only a class that is asked for can be wrong.
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
    return `the volumes of ${who.join(", ")} ask for ${has ?? "none"}`;
  });
  const reason = `${have.join(", ")}, and that cannot change; docs/guides/upgrades.md says how to move them`;
  return [{ path: "cluster.storageClass", was: wanted, allowed: `${first.has ?? "nothing"}: ${reason}` }];
}

/**
 * What the settings ask of volumes that cannot be done to them. Volumes that are not there yet, and changes that the
 * cluster makes by itself, are no problem.
 *
 * @param stack name of the stack, for the commands in the messages
 */
export const volumeProblems = (stack: string, settings: Settings, live: LiveVolumes): Problem[] => [
  ...workloadVolumes(settings).flatMap((volumes) => sizeProblems(stack, live, volumes)),
  ...classProblems(settings, live),
];

/** Sizes and classes of volumes that exist are what the settings say, or can become it. */
export const check: Check<"statefulSets" | "claims"> = {
  name: "volumes",
  needs: ["statefulSets", "claims"],
  protectsData: true,
  find: ({ stack, settings, facts }) => volumeProblems(stack, settings, facts).map(error),
};
