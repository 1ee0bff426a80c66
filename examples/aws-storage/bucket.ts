import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { tlsOnly } from "./access";

export interface PrivateBucketArgs {
  /** Name of the bucket. */
  name: string;
  /** Days after which objects are deleted. Without it, objects stay, and old versions of them for 30 days. */
  expireAfterDays?: number;
}

const day = { daysAfterInitiation: 1 };

/** A bucket with encryption, without public access, and with a lifecycle. */
export class PrivateBucket extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;

  constructor(
    componentName: string,
    { name, expireAfterDays }: PrivateBucketArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("aws-storage:index:PrivateBucket", componentName, {}, opts);
    const own = { parent: this };
    const made = new aws.s3.Bucket(componentName, { bucket: name }, { ...own, protect: true });
    const { bucket } = made;
    const access = new aws.s3.BucketPublicAccessBlock(
      componentName,
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      own,
    );
    new aws.s3.BucketPolicy(
      componentName,
      { bucket, policy: made.arn.apply((arn) => JSON.stringify(tlsOnly(arn))) },
      { ...own, dependsOn: access },
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      componentName,
      {
        bucket,
        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" }, bucketKeyEnabled: true }],
      },
      own,
    );
    const versioning =
      expireAfterDays === undefined &&
      new aws.s3.BucketVersioning(
        componentName,
        { bucket, versioningConfiguration: { status: "Enabled" } },
        own,
      );
    new aws.s3.BucketLifecycleConfiguration(
      componentName,
      {
        bucket,
        rules: [
          {
            id: "expiry",
            status: "Enabled",
            filter: { prefix: "" },
            abortIncompleteMultipartUpload: day,
            ...(expireAfterDays === undefined
              ? { noncurrentVersionExpiration: { noncurrentDays: 30 } }
              : { expiration: { days: expireAfterDays } }),
          },
        ],
      },
      { ...own, ...(versioning && { dependsOn: versioning }) },
    );
    this.name = made.bucket;
    this.arn = made.arn;
    this.registerOutputs({ name: this.name, arn: this.arn });
  }
}
