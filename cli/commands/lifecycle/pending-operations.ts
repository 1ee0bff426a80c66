/** Objects and releases that a killed update was creating: they are missing in the state, so the next update would fail on them. */
import {
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  type V1Secret,
} from "@kubernetes/client-node";
import { UserError } from "../../../settings";
import { releaseFrom } from "../../lib/helm-history";
import { ifExists } from "../../lib/objects";
import { until } from "../../lib/poll";
import type { Resource } from "../../lib/pulumi";

/** An operation without an end, from the state. */
export interface PendingOperation {
  /** `creating`, `updating`, `deleting`… */
  type: string;
  resource: Resource & { inputs?: Record<string, unknown> };
}

/** Seconds in which an object must be deleted. */
const goneWithin = 60;

const releaseType = "kubernetes:helm.sh/v3:Release";

/** Releases that Helm was installing, which the state does not have, or was upgrading. */
export const pendingReleases = (operations: PendingOperation[]) =>
  operations.flatMap(({ type, resource: { type: kind, inputs } }) =>
    kind === releaseType && typeof inputs?.name === "string" && typeof inputs.namespace === "string"
      ? [{ name: inputs.name, namespace: inputs.namespace, first: type === "creating" }]
      : [],
  );

type PendingRelease = ReturnType<typeof pendingReleases>[number];

/**
 * Helm's records that block the next installation or upgrade of a release: all of a release that the state does not have,
 * else those of pending revisions. Without a record, Helm adopts the objects that carry the release's name.
 */
export const blockingRecords = (records: V1Secret[], { name, first }: PendingRelease): V1Secret[] =>
  records.filter(
    ({ metadata }) =>
      metadata?.labels?.["name"] === name && (first || metadata.labels["status"]?.startsWith("pending-")),
  );

/** Clears Helm's records of pending releases. @param away whether to delete objects that the state does not have, too */
export async function clearReleases(
  config: KubeConfig,
  releases: PendingRelease[],
  away: boolean,
): Promise<void> {
  const api = config.makeApiClient(CoreV1Api);
  const objects = KubernetesObjectApi.makeApiClient(config);
  for (const release of releases) {
    const { namespace } = release;
    const { items } = await api.listNamespacedSecret({ namespace, labelSelector: "owner=helm" });
    for (const record of blockingRecords(items, release)) {
      const { name = "", labels } = record.metadata ?? {};
      console.error(
        `obs: release ${release.name} is ${labels?.["status"]} since an interrupted update; the next one continues it`,
      );
      // Pulumi deletes the namespaces, with the objects in them.
      for (const object of away && release.first ? releaseFrom(record).objects() : [])
        if (!object.metadata.namespace) await ifExists(objects.delete(object as never));
      await ifExists(api.deleteNamespacedSecret({ namespace, name }));
    }
  }
}

/** Objects that were being created, after their newest dependency. */
export const unknownObjects = (operations: PendingOperation[], resources: Resource[]) =>
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
    // Kubernetes writes whole seconds. Without a dependency in the state, the time is unknown.
    const notBefore = new Date(Math.floor(Math.max(...made) / 1000) * 1000);
    return [{ apiVersion, kind, metadata: at, ...(made.length > 0 && { notBefore }) }];
  });

type UnknownObject = ReturnType<typeof unknownObjects>[number];

/** Whether this stack's update created an object: Pulumi did, after its dependencies. */
export const madeByUpdate = (
  { metadata }: KubernetesObject,
  { notBefore }: Pick<UnknownObject, "notBefore">,
): boolean =>
  notBefore !== undefined &&
  (metadata?.managedFields ?? []).some(({ manager }) => manager?.startsWith("pulumi-kubernetes")) &&
  new Date(metadata?.creationTimestamp ?? 0) >= notBefore;

/** Whether a namespace has data or pods: then the update was not just creating it. */
async function isInUse(config: KubeConfig, namespace: string): Promise<boolean> {
  const api = config.makeApiClient(CoreV1Api);
  const lists = await Promise.all([
    api.listNamespacedPersistentVolumeClaim({ namespace }),
    api.listNamespacedPod({ namespace }),
    api.listNamespacedSecret({ namespace }),
  ]);
  return lists.some(({ items }) => items.length > 0);
}

/** Deletes objects that were being created: the next update would refuse to create existing objects. */
export async function clearObjects(config: KubeConfig, objects: UnknownObject[]): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object;
    const name = `${kind} ${[metadata.namespace, metadata.name].filter(Boolean).join("/")}`;
    const live = () => ifExists(api.read({ apiVersion, kind, metadata } as never));
    const found = await live();
    if (!found) continue;
    const used = kind === "Namespace" && (await isInUse(config, metadata.name));
    if (used || !madeByUpdate(found, object)) {
      console.error(
        `obs: ${name} was not created by the interrupted update and stays; the next one cannot create it while it exists`,
      );
      continue;
    }
    console.error(`obs: ${name} is missing in the state; deleting it so that the next update can create it`);
    await ifExists(api.delete({ apiVersion, kind, metadata } as never));
    await until(goneWithin, "deletion", async () => !(await live())).catch(() => {
      throw new UserError(
        `${name} still exists after ${goneWithin} s. Check its finalizers, then run this command again`,
      );
    });
  }
}
