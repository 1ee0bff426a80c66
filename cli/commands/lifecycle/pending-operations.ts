/** What an update that was killed was making in the cluster, which its state does not have, so that the next one would stumble over it. */
import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, type KubeConfig, KubernetesObjectApi, type V1Secret } from "@kubernetes/client-node";
import { UserError } from "../../../settings";
import { releaseFrom } from "../../lib/helm-history";
import type { Resource } from "../../lib/state";

/** Something that was begun and not seen to its end, as the state keeps it. */
export interface PendingOperation {
  /** `creating`, `updating`, `deleting`… */
  type: string;
  resource: Resource & { inputs?: Record<string, unknown> };
}

/** A release that Helm was working on. */
export interface PendingRelease {
  name: string;
  namespace: string;
  /** Whether it was being installed, so that the state does not have it. */
  first: boolean;
}

/** Seconds that an object may take to go, as a namespace does. */
const goneWithin = 60;

const releaseType = "kubernetes:helm.sh/v3:Release";

/** The releases among what was begun. */
export const pendingReleases = (operations: PendingOperation[]): PendingRelease[] =>
  operations.flatMap(({ type, resource: { type: kind, inputs } }) =>
    kind === releaseType && typeof inputs?.name === "string" && typeof inputs.namespace === "string"
      ? [{ name: inputs.name, namespace: inputs.namespace, first: type === "creating" }]
      : [],
  );

/**
 * Helm's records that stand in the way of a release's next installation or upgrade: all of one that the state does not
 * have, else those of revisions that nobody works on any more. Without a record Helm takes over the objects that it made
 * itself, which carry the release's name; nothing of them is lost.
 */
export const inTheWay = (records: V1Secret[], { name, first }: PendingRelease): V1Secret[] =>
  records.filter(
    ({ metadata }) =>
      metadata?.labels?.["name"] === name && (first || metadata.labels["status"]?.startsWith("pending-")),
  );

const ignoreGone = (error: { code?: number }) => {
  if (error.code !== 404) throw error;
};

/** Deletes what a release has in the cluster outside of namespaces; the rest goes with them. */
async function deleteObjects(config: KubeConfig, record: V1Secret): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  // The engine deletes namespaces, and with them all that is in one.
  for (const object of releaseFrom(record).objects())
    if (!object.metadata.namespace) await api.delete(object as never).catch(ignoreGone);
}

/**
 * Clears Helm's records of half-made releases.
 *
 * @param away whether what the state does not have of them goes, too
 */
export async function clearReleases(
  config: KubeConfig,
  releases: PendingRelease[],
  away: boolean,
): Promise<void> {
  const api = config.makeApiClient(CoreV1Api);
  for (const release of releases) {
    const { namespace } = release;
    const { items } = await api.listNamespacedSecret({ namespace, labelSelector: "owner=helm" });
    for (const record of inTheWay(items, release)) {
      const { name = "", labels } = record.metadata ?? {};
      console.error(
        `obs: release ${release.name} was ${labels?.["status"]} and nobody ended it; going on from there`,
      );
      if (away && release.first) await deleteObjects(config, record);
      await api.deleteNamespacedSecret({ namespace, name }).catch(ignoreGone);
    }
  }
}

/** An object that was being created, and the earliest time at which the update can have done that. */
export interface UnknownObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  /** Undefined where the state does not say when what comes before it was made. */
  notBefore?: Date;
}

/** The plain objects among what was being created. */
export const unknownObjects = (operations: PendingOperation[], resources: Resource[]): UnknownObject[] =>
  operations.flatMap(({ type, resource }) => {
    const { apiVersion, kind, metadata } = resource.inputs ?? {};
    const { name, namespace } = (metadata ?? {}) as { name?: unknown; namespace?: unknown };
    if (type !== "creating" || !resource.type.startsWith("kubernetes:")) return [];
    if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") return [];
    const before = [resource.parent, ...(resource.dependencies ?? [])];
    const made = resources
      .filter(({ urn, created }) => created && before.includes(urn))
      .map(({ created = "" }) => new Date(created).valueOf());
    const at = { name, ...(typeof namespace === "string" && { namespace }) };
    // Kubernetes writes whole seconds.
    const notBefore = new Date(Math.floor(Math.max(...made) / 1000) * 1000);
    return [{ apiVersion, kind, metadata: at, ...(made.length > 0 && { notBefore }) }];
  });

/** What of an object in the cluster says who made it, and when. */
interface Made {
  metadata?: { creationTimestamp?: Date; managedFields?: { manager?: string }[] };
}

/** Whether an object was made by this stack's update: by Pulumi, and after what it was to come after. */
export const ours = ({ metadata }: Made, { notBefore }: Pick<UnknownObject, "notBefore">): boolean =>
  notBefore !== undefined &&
  (metadata?.managedFields ?? []).some(({ manager }) => manager?.startsWith("pulumi-kubernetes")) &&
  new Date(metadata?.creationTimestamp ?? 0) >= notBefore;

/** Whether a namespace has data or somebody at work: then it is no namespace of an update that had only begun to make it. */
async function isInUse(config: KubeConfig, namespace: string): Promise<boolean> {
  const api = config.makeApiClient(CoreV1Api);
  const lists = await Promise.all([
    api.listNamespacedPersistentVolumeClaim({ namespace }),
    api.listNamespacedPod({ namespace }),
    api.listNamespacedSecret({ namespace }),
  ]);
  return lists.some(({ items }) => items.length > 0);
}

/** Deletes objects that were just being created: the next update makes them anew, and refuses those that it does not know. */
export async function clearObjects(config: KubeConfig, objects: UnknownObject[]): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object;
    const name = `${kind} ${[metadata.namespace, metadata.name].filter(Boolean).join("/")}`;
    const live = () =>
      api.read({ apiVersion, kind, metadata } as never).catch((error: { code?: number }) => {
        ignoreGone(error);
        return undefined;
      });
    const found = await live();
    if (!found) continue;
    const used = kind === "Namespace" && (await isInUse(config, metadata.name));
    if (used || !ours(found, object)) {
      console.error(
        `obs: ${name} is not this update's and stays; the next one cannot make it while it is there`,
      );
      continue;
    }
    console.error(`obs: ${name} was made and not written down; making it anew`);
    await api.delete({ apiVersion, kind, metadata } as never).catch(ignoreGone);
    for (let second = 0; await live(); second++) {
      if (second === goneWithin)
        throw new UserError(
          `${name} is not gone after ${goneWithin} s; see what holds it, then this command again`,
        );
      await wait(1000);
    }
  }
}
