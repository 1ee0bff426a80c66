/** Rules about the cold tier. */
import { type Check, problem } from "./check";
import { coldBuckets, insideCluster, isOwnMinio } from "./cold-tier";
import { longestRetention } from "./retention";
import { day, goDuration, wholeDays } from "./units";

const path = "objectStorage.minio.coldTier";

/** The destination must be another S3, so that objects do not move back and forth. */
const coldTierElsewhere: Check = (settings) => {
  const { buckets, minio } = settings.objectStorage;
  const { coldTier: tier } = minio;
  if (!tier) return [];
  return [
    ...problem(
      isOwnMinio(settings, tier.endpoint) || tier.endpoint === minio.endpoint,
      `${path}.endpoint`,
      tier.endpoint,
      "another S3 than this stack's own MinIO",
    ),
    ...problem(
      tier.endpoint.startsWith("http://") && !insideCluster(tier.endpoint),
      `${path}.endpoint`,
      tier.endpoint,
      "https://, because it is not inside the cluster (http://<service>.<namespace>.svc)",
    ),
    ...problem(
      Object.values(buckets).some(({ name }) => name === tier.bucket),
      `${path}.bucket`,
      tier.bucket,
      "a name that none of objectStorage.buckets has",
    ),
  ];
};

const coldTierUsed: Check = ({ objectStorage: { kind, minio } }) => {
  const { coldTier: tier } = minio;
  if (!tier) return [];
  return [
    ...problem(
      kind !== "minio",
      path,
      tier,
      "nothing, because objectStorage.kind is not minio: that object storage moves its objects itself",
    ),
    ...problem(
      coldBuckets(tier).length === 0,
      `${path}.after`,
      tier.after,
      "a duration for at least one of loki, mimirBlocks, tempo",
    ),
  ];
};

/** MinIO counts in whole days, and an object that is deleted on the day it moves is moved in vain. */
const coldTierAge: Check = (settings) => {
  const { lifecycleMargin, minio } = settings.objectStorage;
  const retention = longestRetention(settings);
  return (minio.coldTier ? coldBuckets(minio.coldTier) : []).flatMap(([key, seconds]) => {
    const expiry = wholeDays(retention[key] + lifecycleMargin);
    return problem(
      seconds < day || seconds % day !== 0 || seconds >= expiry * day,
      `${path}.after.${key}`,
      goDuration(seconds),
      `whole days from 1d to ${expiry - 1}d: the bucket's lifecycle deletes objects after ${expiry}d`,
    );
  });
};

/** Rules about the cold tier. */
export const coldTierChecks: Check[] = [coldTierElsewhere, coldTierUsed, coldTierAge];
