/**
 * The cold tier: the storage that MinIO moves old objects to. The Pulumi provider of MinIO supports neither tiers nor
 * transitions, so a Job configures them with MinIO's client, which its image contains.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { projectFile } from "../files";
import { minio, namespaces, storageEndpoint, usesTls } from "../names";
import type { Settings } from "../settings";
import { coldBuckets } from "../settings/cold-tier";
import { type BucketKey, bucketLifecycles } from "./minio-access";
import { scheduling } from "./scheduling";
import { checksum, environment, image, pullSecrets, restrictedContainer } from "./shared";
import { trustedCa } from "./tls";
import { podUser } from "./user-ids";

/** Keys of the Secret with the credentials of the cold tier, which are names of environment variables. */
export const coldTierEnv = { accessKey: "TIER_ACCESS_KEY", secretKey: "TIER_SECRET_KEY" } as const;

/** The cold tier of the settings; undefined if there is none, or if the stack does not run MinIO. */
export const coldTierOf = ({ objectStorage: { kind, minio } }: Settings) =>
  kind === "minio" ? minio.coldTier : undefined;
/** Settings of a cold tier. */
export type ColdTier = NonNullable<ReturnType<typeof coldTierOf>>;

const digest = (data: unknown): string =>
  createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 8);

/**
 * MinIO's name for the tier. MinIO allows new credentials for an existing tier but no other change. A different
 * destination is therefore a different tier, and objects in the former one stay readable.
 */
export const tierName = ({ kind, endpoint, region, bucket, prefix }: ColdTier): string =>
  `COLD-${digest([kind, endpoint, region, bucket, prefix]).toUpperCase()}`;

/**
 * Name of a bucket's lifecycle rule. If a bucket gets or loses a cold tier, its rule gets another name. The provider
 * then replaces the rule without its transition, which it does not support.
 */
export const expiryRule = (cold: boolean): string => (cold ? "cold-and-expire" : "expire");

/**
 * The whole lifecycle of a bucket with a cold tier, for `mc ilm rule import`. It has one rule. The provider ignores the
 * transition in it, so it finds its own rule unchanged.
 */
function coldLifecycle(settings: Settings, tier: ColdTier, key: BucketKey): string {
  const { coldAfterDays, expireAfterDays } = bucketLifecycles(settings)[key];
  const rule = {
    ID: expiryRule(true),
    Status: "Enabled",
    Filter: { Prefix: "" },
    Transition: { Days: coldAfterDays, StorageClass: tierName(tier) },
    Expiration: { Days: expireAfterDays },
  };
  return JSON.stringify({ Rules: [rule] });
}

/** The container of the Job. */
function container(settings: Settings, tier: ColdTier) {
  const { repository, tag } = image(settings, settings.objectStorage.minio.image);
  const root = (key: string) => ({ valueFrom: { secretKeyRef: { name: minio.rootSecret, key } } });
  const lifecycles = coldBuckets(tier).flatMap(([key]) => [
    settings.objectStorage.buckets[key].name,
    coldLifecycle(settings, tier, key),
  ]);
  const { mounts } = trustedCa(settings);
  return {
    name: "mc",
    image: `${repository}:${tag}`,
    command: ["/bin/sh", "-c", readFileSync(projectFile("values", "cold-tier.sh"), "utf8"), minio.coldTier],
    args: lifecycles,
    env: [
      ...environment({
        SCHEME: usesTls(settings) ? "https" : "http",
        MINIO: storageEndpoint(settings),
        TIER_NAME: tierName(tier),
        TIER_KIND: tier.kind,
        TIER_ENDPOINT: tier.endpoint,
        TIER_BUCKET: tier.bucket,
        TIER_PREFIX: tier.prefix ?? "",
        TIER_REGION: tier.region ?? "",
        MC_CONFIG_DIR: "/tmp/mc",
        // Directory of the CA certificate: https://pkg.go.dev/crypto/x509#SystemCertPool
        ...(mounts[0] && { SSL_CERT_DIR: mounts[0].mountPath }),
      }),
      { name: "ROOT_USER", ...root("rootUser") },
      { name: "ROOT_PASSWORD", ...root("rootPassword") },
    ],
    envFrom: [{ secretRef: { name: minio.coldTier } }],
    // After a failure, the pod's termination message is the end of its log.
    terminationMessagePolicy: "FallbackToLogsOnError",
    resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...mounts],
  };
}

/**
 * The Job that sets up the tier and the lifecycles. Jobs are immutable: its name contains a checksum of its script,
 * arguments and credentials, so a change creates another Job. It remains after completion, as a record of the run.
 */
export function coldTierJob(settings: Settings, tier: ColdTier) {
  const labels = { "app.kubernetes.io/name": minio.coldTier };
  const secrets = checksum([tier.accessKey.reveal(), tier.secretKey.reveal()]);
  const spec = {
    backoffLimit: 3,
    activeDeadlineSeconds: 540,
    template: {
      metadata: { labels, annotations: { "checksum/credentials": secrets } },
      spec: {
        restartPolicy: "Never",
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        ...scheduling(settings, "minio"),
        imagePullSecrets: pullSecrets(settings),
        securityContext: {
          runAsNonRoot: true,
          ...podUser(settings, { runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 }),
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [container(settings, tier)],
        volumes: [{ name: "tmp", emptyDir: { sizeLimit: "16Mi" } }, ...trustedCa(settings).volumes],
      },
    },
  };
  return {
    metadata: {
      name: `${minio.coldTier}-${digest(spec)}`,
      namespace: namespaces(settings).minio,
      labels,
      // The next update recreates a failed Job and does not wait for it.
      annotations: { "pulumi.com/replaceUnready": "true" },
    },
    spec,
  };
}
