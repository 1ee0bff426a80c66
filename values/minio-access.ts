/** Who may do what in which bucket, and how long objects live: plain data for the MinIO resources. */
import { bucketsOf, type Consumer } from "../names";
import type { Settings } from "../settings";
import { wholeDays } from "../settings/units";
import { rollupsOf } from "./rollups";

export type BucketKey = keyof Settings["objectStorage"]["buckets"];

const bucketActions = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
const objectActions = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:DeleteObject",
  "s3:AbortMultipartUpload",
  "s3:ListMultipartUploadParts",
];

/** IAM policy of a consumer (R1.7): its own buckets, to read, write and delete objects; it cannot create or delete a bucket. */
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

/** What a bucket's lifecycle does; days count from an object's last change. */
export interface Lifecycle {
  /** Objects are deleted after this many days. */
  expireAfterDays?: number;
  /** The bucket keeps overwritten and deleted objects for this many days. */
  keepOldVersionsForDays?: number;
}

/**
 * The lifecycle of each bucket: the safety net below a component's own retention, never shorter than it (R14). Rules
 * and Alertmanager configuration are no data that ages: they never expire, and old versions are kept for a month.
 */
export function bucketLifecycles({
  loki,
  mimir,
  tempo,
  objectStorage,
}: Settings): Record<BucketKey, Lifecycle> {
  const { application, system, debug, namespaces } = loki.retention;
  const longestLog = Math.max(application, system, debug, ...Object.values(namespaces));
  const longest = ({
    retention,
    tenants,
  }: {
    retention: number;
    tenants: Record<string, { retention?: number | undefined }>;
  }) => Math.max(retention, ...Object.values(tenants).map((tenant) => tenant.retention ?? 0));
  const after = (retention: number) => ({
    expireAfterDays: wholeDays(retention + objectStorage.lifecycleMargin),
  });
  return {
    loki: after(longestLog),
    mimirBlocks: after(Math.max(longest(mimir), ...rollupsOf({ mimir }).map(({ retention }) => retention))),
    mimirRuler: { keepOldVersionsForDays: 30 },
    mimirAlertmanager: { keepOldVersionsForDays: 30 },
    tempo: after(longest(tempo)),
  };
}
