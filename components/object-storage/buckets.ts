import * as k8s from "@pulumi/kubernetes";
import * as minioProvider from "@pulumi/minio";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { type BackupJob, backupJobs, bucketsOf, type Consumer, minio } from "../../names";
import type { Settings } from "../../settings";
import { backupDestination } from "../../values/backup-rclone";
import { expiryRule } from "../../values/cold-tier";
import { type BucketKey, backupPolicy, bucketLifecycles, consumerPolicy } from "../../values/minio-access";
import { childNames } from "../args";

/** Access to S3 as one consumer. */
export interface Credentials {
  accessKey: pulumi.Input<string>;
  secretKey: pulumi.Input<string>;
}

export interface BucketsArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** MinIO's release: deleting it deletes the buckets, without a request to MinIO. */
  release: pulumi.Resource;
  /** Buckets that exist in MinIO. One that is missing in the state is imported; for the others, nothing changes. */
  existing: string[];
  /** MinIO's namespace. */
  namespace: pulumi.Input<string>;
}

/** A consumer's user: its credentials, and the resources that give it access. */
interface User {
  credentials: Credentials;
  grants: pulumi.Resource[];
}

/** Users by name. */
export type Users = Record<Consumer, User> & Partial<Record<BackupJob, User>>;

/** The buckets with encryption, lifecycle and quota, and for each consumer a user with access to its own buckets only. */
export class Buckets extends pulumi.ComponentResource {
  /** Each consumer's own user, and those of backups and restores. */
  readonly users: Users;
  /** The last configuration resource of each bucket. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: BucketsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Buckets", name, {}, opts);
    const { settings, release } = args;
    const named = childNames(name, "buckets");
    const { buckets } = settings.objectStorage;
    const lifecycles = bucketLifecycles(settings);
    const own = { parent: this, deletedWith: release };

    const bucket = (key: BucketKey): pulumi.Resource => {
      const { name: bucket, quota } = buckets[key];
      const { coldAfterDays, expireAfterDays, keepOldVersionsForDays } = lifecycles[key];
      const made = new minioProvider.S3Bucket(
        named(bucket),
        { bucket, acl: "private", ...(quota && { quota }) },
        {
          ...own,
          protect: settings.cluster.protect,
          ...(args.existing.includes(bucket) && { import: bucket }),
        },
      );
      // One after the other: of two settings of a bucket that are written at once, MinIO keeps only one.
      const encryption = new minioProvider.S3BucketServerSideEncryption(
        named(bucket),
        { bucket: made.bucket, encryptionType: "aws:kms", kmsKeyId: minio.encryptionKey },
        own,
      );
      // A cold tier has the same rule with a transition, and still needs this resource: deleting it would delete both
      // rules.
      const lifecycle = new minioProvider.IlmPolicy(
        named(bucket),
        {
          bucket: made.bucket,
          rules: [
            expireAfterDays
              ? { id: expiryRule(coldAfterDays !== undefined), expiration: `${expireAfterDays}d` }
              : { id: "old-versions", noncurrentVersionExpirationDays: keepOldVersionsForDays ?? 30 },
          ],
        },
        { ...own, dependsOn: encryption },
      );
      if (!keepOldVersionsForDays) return lifecycle;
      return new minioProvider.S3BucketVersioning(
        named(bucket),
        { bucket: made.bucket, versioningConfiguration: { status: "Enabled" } },
        { ...own, dependsOn: lifecycle },
      );
    };
    const ready = Object.fromEntries(
      (Object.keys(buckets) as BucketKey[]).map((key) => [key, bucket(key)]),
    ) as Record<BucketKey, pulumi.Resource>;
    this.ready = Object.values(ready);

    new k8s.core.v1.ConfigMap(
      named(minio.bucketsConfigMap),
      {
        metadata: { name: minio.bucketsConfigMap, namespace: args.namespace },
        data: { buckets: JSON.stringify(Object.values(buckets).map((bucket) => bucket.name)) },
      },
      { parent: this, dependsOn: this.ready },
    );

    const user = (userName: string, userPolicy: string, keys: readonly BucketKey[]): User => {
      const secret = new random.RandomPassword(
        named(`minio-${userName}`),
        { length: 40, special: false },
        { parent: this },
      );
      const made = new minioProvider.IamUser(named(userName), { name: userName, secret: secret.result }, own);
      const policy = new minioProvider.IamPolicy(
        named(userName),
        { name: userName, policy: userPolicy },
        own,
      );
      const attachment = new minioProvider.IamUserPolicyAttachment(
        named(userName),
        { userName: made.name, policyName: policy.name },
        own,
      );
      return {
        credentials: { accessKey: userName, secretKey: secret.result },
        grants: [attachment, ...keys.map((key) => ready[key])],
      };
    };
    const consumer = (name: Consumer) => user(name, consumerPolicy(settings, name), bucketsOf[name]);
    this.users = { loki: consumer("loki"), mimir: consumer("mimir"), tempo: consumer("tempo") };
    if (backupDestination(settings))
      for (const job of backupJobs)
        this.users[job] = user(job, backupPolicy(settings, job), Object.keys(buckets) as BucketKey[]);
    this.registerOutputs({});
  }
}
