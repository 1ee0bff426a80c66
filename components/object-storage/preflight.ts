/** Protection of existing data: the part of the preflight that reads MinIO itself. */
import {
  AppsV1Api,
  CoreV1Api,
  type KubeConfig,
  type V1PersistentVolumeClaim,
  type V1StatefulSet,
} from "@kubernetes/client-node";
import { keyOrigin, minio, namespaces } from "../../names";
import { type Problem, type Settings, UserError } from "../../settings";
import { problem } from "../../settings/check";
import { bytesOf } from "../../settings/units";
import { minioClaims } from "../../values/minio";
import type { Gate } from "./gate";
import { s3 } from "./s3";

/** Objects of an earlier run in the cluster. */
interface Installed {
  claims: V1PersistentVolumeClaim[];
  statefulSets: V1StatefulSet[];
  encryption: { key: string; origin: string } | undefined;
  root: { user: string; password: string } | undefined;
  buckets: string[];
}

/** Servers of MinIO's pool, from the range in its command, which a `kubectl scale` does not change. */
function poolServers(sets: V1StatefulSet[]): number | undefined {
  const command = sets
    .find(({ metadata }) => metadata?.name === minio.release)
    ?.spec?.template.spec?.containers.flatMap(({ command = [] }) => command);
  const last = /-\{0\.\.\.(\d+)\}/.exec(command?.join(" ") ?? "")?.[1];
  return last === undefined ? undefined : Number(last) + 1;
}

/**
 * Servers are neither added nor removed: MinIO does not start with a different number of servers than its drives were
 * formatted for.
 */
export function serverProblems(
  { objectStorage: { minio } }: Settings,
  { statefulSets }: Pick<Installed, "statefulSets">,
): Problem[] {
  const servers = poolServers(statefulSets);
  return problem(
    minio.mode === "distributed" && servers !== undefined && servers !== minio.servers,
    "objectStorage.minio.servers",
    minio.servers,
    `${servers}: MinIO runs with ${servers} servers, and an erasure-coded pool cannot be resized; ` +
      "docs/guides/object-storage.md explains how to move to another number",
  );
}

/**
 * Installed objects.
 *
 * @throws if they cannot be read: their data could not be protected
 */
async function installed(config: KubeConfig, namespace: string): Promise<Installed> {
  const api = config.makeApiClient(CoreV1Api);
  try {
    const statefulSets = (await config.makeApiClient(AppsV1Api).listNamespacedStatefulSet({ namespace }))
      .items;
    const claims = (await api.listNamespacedPersistentVolumeClaim({ namespace })).items;
    const secrets = new Map(
      (await api.listNamespacedSecret({ namespace })).items.map((s) => [s.metadata?.name, s]),
    );
    const maps = new Map(
      (await api.listNamespacedConfigMap({ namespace })).items.map((m) => [m.metadata?.name, m]),
    );
    const text = (secret: string, key: string) =>
      Buffer.from(secrets.get(secret)?.data?.[key] ?? "", "base64").toString();
    const key = /MINIO_KMS_SECRET_KEY="[^:]*:([^"]*)"/.exec(text(minio.encryptionSecret, "config.env"))?.[1];
    const origin = secrets.get(minio.encryptionSecret)?.metadata?.annotations?.[keyOrigin.annotation];
    const user = text(minio.rootSecret, "rootUser");
    return {
      claims,
      statefulSets,
      encryption: key ? { key, origin: origin ?? keyOrigin.generated } : undefined,
      root: user ? { user, password: text(minio.rootSecret, "rootPassword") } : undefined,
      buckets: JSON.parse(maps.get(minio.bucketsConfigMap)?.data?.["buckets"] ?? "[]"),
    };
  } catch (error) {
    const { message, cause } = error as Error;
    throw new UserError(
      `the objects in namespace ${namespace} cannot be read, so no changes were made: ` +
        `${cause instanceof Error ? cause.message : message}\n` +
        "    Check that the cluster is available and that its user may list StatefulSets, PersistentVolumeClaims, Secrets and ConfigMaps there",
    );
  }
}

/** Volumes may grow and be added; they are never shrunk or removed with data. */
export function volumeProblems(settings: Settings, { claims }: Pick<Installed, "claims">): Problem[] {
  const wanted = new Map(minioClaims(settings).map(({ name, size }) => [name, size]));
  const { mode, servers } = settings.objectStorage.minio;
  return claims
    .filter(({ metadata }) => /^(minio-data|export-minio-\d+)$/.test(metadata?.name ?? ""))
    .flatMap(({ metadata, spec }): Problem[] => {
      const name = metadata?.name ?? "";
      const size = wanted.get(name);
      const has = spec?.resources?.requests?.["storage"] ?? "0";
      if (size === undefined)
        return [
          {
            path: "objectStorage.minio",
            was: { mode, servers },
            allowed: `a number that keeps the volume ${namespaces(settings).minio}/${name}, which contains data; docs/guides/object-storage.md explains how to move it`,
          },
        ];
      if (bytesOf(size) >= bytesOf(has)) return [];
      const allowed = `${has} or more: the volume ${namespaces(settings).minio}/${name} has that size, and a volume cannot shrink`;
      return [{ path: "objectStorage.minio.disk", was: size, allowed }];
    });
}

/** The key that encrypted the objects must not change. */
function keyProblems({ objectStorage }: Settings, { encryption }: Installed): Problem[] {
  const given = objectStorage.minio.encryptionKey?.reveal();
  const changed = encryption && (given ? given !== encryption.key : encryption.origin === keyOrigin.given);
  if (!changed) return [];
  const allowed =
    encryption.origin === keyOrigin.given
      ? "the same key as before: every object is encrypted with it"
      : "nothing: every object is encrypted with the generated key";
  return [{ path: "objectStorage.minio.encryptionKey", was: given && "[secret]", allowed }];
}

/** A bucket that is removed from the settings, for example by a new name, must be empty. */
async function bucketProblems(
  { objectStorage }: Settings,
  managed: string[],
  existing: string[] | undefined,
  holdsData: (bucket: string) => Promise<boolean>,
): Promise<Problem[]> {
  const entries = Object.entries(objectStorage.buckets);
  const removed = managed.filter((bucket) => !entries.some(([, { name }]) => name === bucket));
  const added = entries.find(([, { name }]) => !managed.includes(name));
  const path = added ? `objectStorage.buckets.${added[0]}.name` : "objectStorage.buckets";
  const problems = removed.map(async (bucket): Promise<Problem[]> => {
    if (existing === undefined) {
      const allowed = `${bucket}, until MinIO is available to check whether that bucket is empty`;
      return [{ path, was: added?.[1].name, allowed }];
    }
    if (!existing.includes(bucket) || !(await holdsData(bucket))) return [];
    const allowed = `${bucket}, which contains data; docs/guides/object-storage.md explains how to move it to another bucket`;
    return [{ path, was: added?.[1].name, allowed }];
  });
  return (await Promise.all(problems)).flat();
}

/** Results of an earlier run that the program uses. */
export interface Found {
  /** Buckets that exist in MinIO; if they are missing in the state, they are imported. */
  buckets: string[];
}

/**
 * Checks for changes that would lose data, and reads the existing buckets.
 *
 * @param gate the connection to MinIO; without one there is no data to protect
 */
export async function storagePreflight(
  settings: Settings,
  gate: Gate | undefined,
): Promise<{ found: Found | undefined; problems: Problem[] }> {
  if (!gate) return { found: undefined, problems: [] };
  const found = await installed(gate.cluster, namespaces(settings).minio);
  const reached = found.root && (await gate.answers()) ? s3(gate, found.root) : undefined;
  const existing = await reached?.buckets();
  const problems = [
    ...serverProblems(settings, found),
    ...volumeProblems(settings, found),
    ...keyProblems(settings, found),
    ...(await bucketProblems(settings, found.buckets, existing, reached?.holdsData ?? (async () => true))),
  ];
  return { found: { buckets: existing ?? [] }, problems };
}
