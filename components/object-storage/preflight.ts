/**
 * What must not happen to data that is there already. Read from the cluster before anything is registered, so that a
 * preview refuses it too, and all of it is told at once.
 */
import { CoreV1Api, type KubeConfig, type V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { Client } from "minio";
import { minio, namespaces } from "../../names";
import { type Problem, type Settings, SettingsError } from "../../settings";
import { bytesOf } from "../../settings/units";
import { minioClaims } from "../../values/minio";
import type { Gate } from "./gate";

/** Annotation on the encryption Secret: whether its key was given by the user or generated here. */
export const keyOrigin = {
  annotation: "observability/key-origin",
  given: "given",
  generated: "generated",
} as const;

/** What is in the cluster of an earlier run. */
interface Installed {
  claims: V1PersistentVolumeClaim[];
  encryption: { key: string; origin: string } | undefined;
  root: { user: string; password: string } | undefined;
  buckets: string[];
}

/** What is installed; nothing where the cluster does not answer, which the update itself will tell. */
async function installed(config: KubeConfig): Promise<Installed | undefined> {
  const api = config.makeApiClient(CoreV1Api);
  const namespace = namespaces.minio;
  try {
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
      encryption: key ? { key, origin: origin ?? keyOrigin.generated } : undefined,
      root: user ? { user, password: text(minio.rootSecret, "rootPassword") } : undefined,
      buckets: JSON.parse(maps.get(minio.bucketsConfigMap)?.data?.["buckets"] ?? "[]"),
    };
  } catch {
    return undefined;
  }
}

/** Volumes may grow and be added; they are never shrunk or left behind with data. */
function volumeProblems(settings: Settings, { claims }: Installed): Problem[] {
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
            allowed: `what keeps the volume ${namespaces.minio}/${name}, which holds data; docs/object-storage.md says how to move it`,
          },
        ];
      if (bytesOf(size) >= bytesOf(has)) return [];
      const allowed = `${has} or more: the volume ${namespaces.minio}/${name} has that size, and a volume cannot shrink`;
      return [{ path: "objectStorage.minio.disk", was: size, allowed }];
    });
}

/** The key that encrypted the objects stays the key. */
function keyProblems({ objectStorage }: Settings, { encryption }: Installed): Problem[] {
  const given = objectStorage.minio.encryptionKey?.reveal();
  const changed = encryption && (given ? given !== encryption.key : encryption.origin === keyOrigin.given);
  if (!changed) return [];
  const allowed =
    encryption.origin === keyOrigin.given
      ? "the key that it was before: every object is encrypted with it"
      : "nothing: every object is encrypted with the key that was generated";
  return [{ path: "objectStorage.minio.encryptionKey", was: given && "[secret]", allowed }];
}

/** A bucket that leaves the settings, by a new name for instance, must be empty. */
async function bucketProblems(
  { objectStorage }: Settings,
  { root, buckets }: Installed,
  gate: Gate,
): Promise<Problem[]> {
  const entries = Object.entries(objectStorage.buckets);
  const removed = buckets.filter((bucket) => !entries.some(([, { name }]) => name === bucket));
  if (removed.length === 0 || !root) return [];
  await gate.ready();
  const { hostname, port } = new URL(`https://${gate.endpoint}`);
  const client = new Client({
    endPoint: hostname,
    port: Number(port) || 443,
    useSSL: true,
    accessKey: root.user,
    secretKey: root.password,
    region: "us-east-1",
    transportAgent: gate.agent,
  });
  const held = await Promise.all(
    removed.map(async (bucket) => {
      if (!(await client.bucketExists(bucket))) return false;
      const { objects } = await client.listObjectsV2Query(bucket, "", "", "", 1, "");
      return objects.length > 0;
    }),
  );
  const added = entries.find(([, { name }]) => !buckets.includes(name));
  return removed
    .filter((_, index) => held[index])
    .map((bucket) => ({
      path: added ? `objectStorage.buckets.${added[0]}.name` : "objectStorage.buckets",
      was: added?.[1].name,
      allowed: `${bucket}, which holds data; docs/object-storage.md says how to move it to another bucket`,
    }));
}

/**
 * Refuses what would lose data.
 *
 * @throws SettingsError with every reason
 */
export async function preflight(stack: string, settings: Settings, gate: Gate): Promise<void> {
  const found = await installed(gate.cluster);
  if (!found) return;
  const problems = [
    ...volumeProblems(settings, found),
    ...keyProblems(settings, found),
    ...(await bucketProblems(settings, found, gate)),
  ];
  if (problems.length) throw new SettingsError(stack, problems);
}
