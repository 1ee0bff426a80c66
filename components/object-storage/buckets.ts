import * as k8s from "@pulumi/kubernetes";
import * as minioProvider from "@pulumi/minio";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { bucketsOf, type Consumer, minio } from "../../names";
import type { Settings } from "../../settings";
import { expiryRule } from "../../values/cold-tier";
import { type BucketKey, bucketLifecycles, consumerPolicy } from "../../values/minio-access";

/** Access to S3 as one consumer. */
export interface Credentials {
  accessKey: pulumi.Input<string>;
  secretKey: pulumi.Input<string>;
}

export interface BucketsArgs {
  /** Settings of the stack. */
  settings: Settings;
  /** MinIO's release: with it go the buckets, without a call to MinIO. */
  release: pulumi.Resource;
  /** Buckets that MinIO has already. One that is not in the state is taken in; for one that is, nothing changes. */
  existing: string[];
  /** MinIO's namespace. */
  namespace: pulumi.Input<string>;
}

/** A consumer's user: its credentials, and the resources that give it its access. */
export interface User {
  credentials: Credentials;
  grants: pulumi.Resource[];
}

/** The buckets with encryption, lifecycle and quota, and for each consumer one user that reaches its own buckets only. */
export class Buckets extends pulumi.ComponentResource {
  /** Each consumer's own user. */
  readonly users: Record<Consumer, User>;
  /** The last of each bucket's own settings. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: BucketsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("observability:index:Buckets", name, {}, opts);
    const { settings, release } = args;
    const { buckets } = settings.objectStorage;
    const lifecycles = bucketLifecycles(settings);
    const own = { parent: this, deletedWith: release };

    const bucket = (key: BucketKey): pulumi.Resource => {
      const { name: bucket, quota } = buckets[key];
      const { coldAfterDays, expireAfterDays, keepOldVersionsForDays } = lifecycles[key];
      const made = new minioProvider.S3Bucket(
        bucket,
        { bucket, acl: "private", ...(quota && { quota }) },
        {
          ...own,
          protect: settings.cluster.protect,
          ...(args.existing.includes(bucket) && { import: bucket }),
        },
      );
      // One after the other: of two settings of a bucket that are written at once, MinIO keeps only one.
      const encryption = new minioProvider.S3BucketServerSideEncryption(
        bucket,
        { bucket: made.bucket, encryptionType: "aws:kms", kmsKeyId: minio.encryptionKey },
        own,
      );
      // Also where a cold tier has the same rule with a transition: taking it away would take both away.
      const lifecycle = new minioProvider.IlmPolicy(
        bucket,
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
        bucket,
        { bucket: made.bucket, versioningConfiguration: { status: "Enabled" } },
        { ...own, dependsOn: lifecycle },
      );
    };
    const ready = Object.fromEntries(
      (Object.keys(buckets) as BucketKey[]).map((key) => [key, bucket(key)]),
    ) as Record<BucketKey, pulumi.Resource>;
    this.ready = Object.values(ready);

    new k8s.core.v1.ConfigMap(
      minio.bucketsConfigMap,
      {
        metadata: { name: minio.bucketsConfigMap, namespace: args.namespace },
        data: { buckets: JSON.stringify(Object.values(buckets).map((bucket) => bucket.name)) },
      },
      { parent: this, dependsOn: this.ready },
    );

    const user = (consumer: Consumer) => {
      const secret = new random.RandomPassword(
        `minio-${consumer}`,
        { length: 40, special: false },
        { parent: this },
      );
      const { name: userName } = new minioProvider.IamUser(
        consumer,
        { name: consumer, secret: secret.result },
        own,
      );
      const { name: policyName } = new minioProvider.IamPolicy(
        consumer,
        { name: consumer, policy: consumerPolicy(settings, consumer) },
        own,
      );
      const attachment = new minioProvider.IamUserPolicyAttachment(consumer, { userName, policyName }, own);
      return {
        credentials: { accessKey: consumer, secretKey: secret.result },
        grants: [attachment, ...bucketsOf[consumer].map((key) => ready[key])],
      };
    };
    this.users = { loki: user("loki"), mimir: user("mimir"), tempo: user("tempo") };
    this.registerOutputs({});
  }
}
