/**
 * Every name that more than one place needs: namespaces, Services, Secrets, buckets, tenants, addresses.
 * Names are decided here, not discovered from what was installed, so that values hold plain strings and a
 * preview is complete before anything exists.
 */
import type { Settings } from "./settings";

/** Namespaces, as the lab names them. */
export const namespaces = {
  minio: "minio",
  loki: "loki",
  alloyLogs: "alloy-logs",
} as const;

/** Namespaces whose pods need more than Pod Security's `restricted`, and why. */
export const podSecurity: Record<keyof typeof namespaces, "restricted" | "privileged"> = {
  minio: "restricted",
  loki: "restricted",
  alloyLogs: "privileged", // reads the node's log files through a hostPath
};

/** Those who keep data in object storage. Each has its own user, policy and Secret. */
export const consumers = ["loki", "mimir", "tempo"] as const;
export type Consumer = (typeof consumers)[number];

/** The buckets that a consumer may use, by their keys in `objectStorage.buckets`. */
export const bucketsOf = {
  loki: ["loki"],
  mimir: ["mimirBlocks", "mimirRuler", "mimirAlertmanager"],
  tempo: ["tempo"],
} as const satisfies Record<Consumer, readonly (keyof Settings["objectStorage"]["buckets"])[]>;

/** Keys of the environment variables by which a consumer gets its S3 credentials from its Secret. */
export const s3Env = { accessKey: "S3_ACCESS_KEY", secretKey: "S3_SECRET_KEY" } as const;

/** Name of a consumer's Secret with its S3 credentials, in the consumer's own namespace. */
export const s3Secret = (consumer: Consumer): string => `${consumer}-s3`;

/** MinIO's own objects. */
export const minio = {
  release: "minio",
  service: "minio",
  apiPort: 9000,
  consolePort: 9001,
  /** Root credentials: `rootUser`, `rootPassword`. */
  rootSecret: "minio-root",
  rootUser: "root",
  /** The key that encrypts objects at rest, as an environment file. */
  encryptionSecret: "minio-encryption",
  /** Name of that key inside MinIO. */
  encryptionKey: "objects",
  /** ConfigMap that remembers which buckets the stack manages. */
  bucketsConfigMap: "minio-managed-buckets",
  /** PersistentVolumeClaim of each server: the name that the chart's workload looks for. */
  claim: (mode: "standalone" | "distributed", server: number): string =>
    mode === "standalone" ? "minio-data" : `export-minio-${server}`,
} as const;

/** Tenants, sent as `X-Scope-OrgID`. */
export const tenants = { logs: "logs" } as const;

const host = (service: string, namespace: string) => `${service}.${namespace}.svc.cluster.local`;

/** Host and port of the S3 API, as consumers inside the cluster reach it. */
export const s3Endpoint = ({ objectStorage }: Settings): string =>
  objectStorage.kind === "external" && objectStorage.external
    ? objectStorage.external.endpoint
    : `${host(minio.service, namespaces.minio)}:${minio.apiPort}`;

/** Addresses inside the cluster. */
export const urls = {
  loki: `http://${host("loki-gateway", namespaces.loki)}`,
  minioConsole: `http://${host("minio-console", namespaces.minio)}:${minio.consolePort}`,
} as const;

/** Release names are also the prefix of what the charts create. */
export const releases = { minio: minio.release, loki: "loki", alloyLogs: "alloy-logs" } as const;

/** Address that each Loki querier pulls its work from; there is no query-scheduler. */
export const lokiFrontendAddress = `${host("loki-query-frontend-headless", namespaces.loki)}:9095`;
