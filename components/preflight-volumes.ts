/**
 * Volumes that are there already and what the settings ask of them. A StatefulSet's templates of claims can never
 * change (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#limitations), so that a release with
 * another size or class fails half-way; and an operator that makes its StatefulSet anew leaves the old volumes as small
 * as they were. Read before anything is registered, so that a preview refuses it too.
 */
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  type V1PersistentVolumeClaim,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { namespaces } from "../names";
import { type Problem, type Settings, UserError } from "../settings";
import { bytesOf, quantity } from "../settings/units";
import { minioClaims } from "../values/minio";
import { ownsClaim, type WorkloadVolumes, workloadVolumes } from "../values/volumes";
import { kubeConfig } from "./kube-config";

/** What the cluster has. */
export interface LiveVolumes {
  statefulSets: V1StatefulSet[];
  claims: V1PersistentVolumeClaim[];
}

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

/** Whether a StatefulSet has a smaller template than its setting, so that it must be made anew. */
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
      : `${now}, because ${whose}; to grow them: ./obs upgrade --volumes ${stack}, which docs/upgrades.md explains`;
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
      ? minioClaims(settings).map(({ name }) => key(namespaces.minio, name))
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
  const reason = `${have.join(", ")}, and that cannot change; docs/upgrades.md says how to move them`;
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

/**
 * Reads the StatefulSets and claims of the stack's namespaces.
 *
 * @throws UserError where they cannot be read: unread, none of them could be protected
 */
export async function liveVolumes(config: KubeConfig): Promise<LiveVolumes> {
  const [apps, core] = [config.makeApiClient(AppsV1Api), config.makeApiClient(CoreV1Api)];
  const spaces = [
    ...[namespaces.loki, namespaces.mimir, namespaces.tempo],
    ...[namespaces.monitoring, namespaces.grafana, namespaces.minio],
  ];
  try {
    const lists = spaces.map(async (namespace) => ({
      statefulSets: (await apps.listNamespacedStatefulSet({ namespace })).items,
      claims: (await core.listNamespacedPersistentVolumeClaim({ namespace })).items,
    }));
    const found = await Promise.all(lists);
    return {
      statefulSets: found.flatMap(({ statefulSets }) => statefulSets),
      claims: found.flatMap(({ claims }) => claims),
    };
  } catch (error) {
    const { message, cause } = error as Error;
    throw new UserError(
      `the volumes in namespaces ${spaces.join(", ")} cannot be read, so nothing was touched: ` +
        `${cause instanceof Error ? cause.message : message}\n` +
        "    the cluster must answer, and its user may list StatefulSets and PersistentVolumeClaims there",
    );
  }
}

/** What the settings ask of this cluster's volumes in vain; nothing without an engine, where no cluster is reached. */
export async function preflightVolumes(stack: string, settings: Settings): Promise<Problem[]> {
  if (!pulumi.runtime.hasEngine()) return [];
  return volumeProblems(stack, settings, await liveVolumes(kubeConfig(settings)));
}
