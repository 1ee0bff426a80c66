/** The secrets without which saved data cannot be read. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { grafanaEnv, grafana as grafanaNames, minio, namespaces } from "../../names";
import type { Settings } from "../../settings";
import { root } from "../stack-config";

export interface Keys {
  /** The key that encrypts objects at rest, as `objectStorage.minio.encryptionKey` takes it. */
  minioEncryptionKey?: string;
  /** The key that encrypts secrets in Grafana's database. */
  grafanaSecretKey?: string;
  /** What decrypts the secrets of the stack's state and config, where a passphrase does. */
  pulumiPassphrase?: string;
}

/** Where a dev stack's own backend has its passphrase. */
const passphraseFile = join(root, ".obs", "passphrase");

/** The passphrase that the Pulumi CLI would use; undefined where its backend has another way. */
export function pulumiPassphrase(environment: Record<string, string | undefined>): string | undefined {
  const file = environment["PULUMI_CONFIG_PASSPHRASE_FILE"];
  return environment["PULUMI_CONFIG_PASSPHRASE"] ?? (file ? readFileSync(file, "utf8").trim() : undefined);
}

/** The base64 key in the text of MinIO's environment file. */
export const encryptionKeyIn = (text: string): string | undefined =>
  /MINIO_KMS_SECRET_KEY="[^:]*:([^"]*)"/.exec(text)?.[1];

/** A value of a Secret; undefined where there is none. */
async function secret(config: KubeConfig, namespace: string, name: string, key: string) {
  const found = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedSecret({ namespace, name })
    .catch((error: { code?: number }) => {
      if (error.code === 404) return undefined;
      throw error;
    });
  const value = found?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, "base64").toString();
}

/** The keys that a cluster uses now. */
export async function keysOf(config: KubeConfig, settings: Settings): Promise<Keys> {
  const file =
    settings.objectStorage.kind === "minio"
      ? await secret(config, namespaces.minio, minio.encryptionSecret, "config.env")
      : undefined;
  const minioEncryptionKey = encryptionKeyIn(file ?? "");
  const grafanaSecretKey = await secret(
    config,
    namespaces.grafana,
    grafanaNames.secret,
    grafanaEnv.secretKey,
  );
  return { ...(minioEncryptionKey && { minioEncryptionKey }), ...(grafanaSecretKey && { grafanaSecretKey }) };
}

/** Puts the passphrase of a dev stack's own backend in its place, unless there is one. @returns whether it did */
export function putPassphrase({ pulumiPassphrase: text }: Keys, file = passphraseFile): boolean {
  const given = process.env["PULUMI_CONFIG_PASSPHRASE"] ?? process.env["PULUMI_CONFIG_PASSPHRASE_FILE"];
  if (text === undefined || given !== undefined || existsSync(file)) return false;
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  return true;
}

/** What the keys of a running cluster mean for the data of a backup: a line for each key that is another one. */
export function differences(saved: Keys, now: Keys): string[] {
  const other = (key: keyof Keys) =>
    saved[key] !== undefined && now[key] !== undefined && saved[key] !== now[key];
  return [
    ...(other("minioEncryptionKey")
      ? [
          "MinIO has another encryption key than the backup: right for buckets that obs puts back, since it writes every object anew; wrong for volumes that are restored from snapshots",
        ]
      : []),
    ...(other("grafanaSecretKey")
      ? [
          "Grafana has another secret key than the backup: secrets of contact points and datasources that people made cannot be read; docs/guides/backup.md says how to give it the old one",
        ]
      : []),
  ];
}
