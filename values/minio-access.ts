/** Permissions on the buckets, and lifecycles of their objects: plain data for the MinIO resources. */
import { type BackupJob, bucketsOf, type Consumer } from "../names";
import type { Settings } from "../settings";
import { longestRetention } from "../settings/retention";
import { wholeDays } from "../settings/units";

export type BucketKey = keyof Settings["objectStorage"]["buckets"];

const bucketActions = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
const objectActions = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:DeleteObject",
  "s3:AbortMultipartUpload",
  "s3:ListMultipartUploadParts",
];

/** IAM policy of a store: to read, write and delete objects in its own buckets; it cannot create or delete a bucket. */
export function consumerPolicy({ objectStorage }: Settings, consumer: Consumer): string {
  const arns = bucketsOf[consumer].map((key) => `arn:aws:s3:::${objectStorage.buckets[key].name}`);
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: bucketActions, Resource: arns },
      { Effect: "Allow", Action: objectActions, Resource: arns.map((arn) => `${arn}/*`) },
    ],
  });
}

/** IAM policy of backups, which list and read all buckets, and of restores, which also write objects. */
export function backupPolicy({ objectStorage }: Settings, job: BackupJob): string {
  const arns = Object.values(objectStorage.buckets).map(({ name }) => `arn:aws:s3:::${name}`);
  const write = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: bucketActions, Resource: arns },
      {
        Effect: "Allow",
        Action: ["s3:GetObject", ...(job === "restore" ? write : [])],
        Resource: arns.map((arn) => `${arn}/*`),
      },
    ],
  });
}

/** The lifecycle of a bucket; days count from an object's last change. */
export interface Lifecycle {
  /** Objects move to the cold tier after this many days. */
  coldAfterDays?: number;
  /** Objects are deleted after this many days. */
  expireAfterDays?: number;
  /** The bucket keeps overwritten and deleted objects for this many days. */
  keepOldVersionsForDays?: number;
}

/**
 * The lifecycle of each bucket: the safety net behind a component's own retention, never shorter than it. Rules and
 * Alertmanager configuration never expire, and their old versions are kept for a month.
 */
export function bucketLifecycles(settings: Settings): Record<BucketKey, Lifecycle> {
  const { lifecycleMargin, minio, kind } = settings.objectStorage;
  const retention = longestRetention(settings);
  const after = (key: keyof typeof retention): Lifecycle => {
    const cold = kind === "minio" ? minio.coldTier?.after[key] : undefined;
    return {
      ...(cold !== undefined && { coldAfterDays: wholeDays(cold) }),
      expireAfterDays: wholeDays(retention[key] + lifecycleMargin),
    };
  };
  return {
    loki: after("loki"),
    mimirBlocks: after("mimirBlocks"),
    mimirRuler: { keepOldVersionsForDays: 30 },
    mimirAlertmanager: { keepOldVersionsForDays: 30 },
    tempo: after("tempo"),
  };
}
