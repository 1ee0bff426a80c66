/** The cold tier: another S3 that MinIO moves old objects to, and the rules that its settings keep to. */
import type { z } from "zod";
import { type Check, problem } from "./check";
import { bucketName, group, oneOf, secret, text } from "./fields";
import { longestRetention } from "./retention";
import { day, duration, goDuration, wholeDays } from "./units";

const after = (what: string) =>
  duration()
    .optional()
    .describe(`Age at which ${what} move, in whole days; without it they stay where they are`);

/** Settings of the cold tier. */
export const coldTier = group({
  kind: oneOf("s3", "minio").describe("Whether the other side is an S3 or another MinIO"),
  endpoint: text(
    "an https:// URL without a path, or http:// inside the cluster",
    /^https?:\/\/[a-z0-9.-]+(:\d+)?$/,
  ).describe("Where MinIO reaches it; its certificate is signed by a public authority"),
  region: text("a region name").optional().describe("Region that requests are signed for, when kind is s3"),
  bucket: bucketName().describe("Bucket there; it exists, and nothing is in it (below the prefix)"),
  prefix: text("a prefix such as observability, without a slash at its ends", /^[\w.-]+(\/[\w.-]+)*$/)
    .optional()
    .describe("What names of objects there begin with; without it the bucket is this stack's alone"),
  accessKey: secret("an access key of 3 to 128 characters", /^\S{3,128}$/).describe(
    "Access key that may list that bucket, and read, write and delete its objects",
  ),
  secretKey: secret("a secret key of 8 to 128 characters", /^\S{8,128}$/).describe("Its secret key"),
  after: group({
    loki: after("Loki's chunks and index"),
    mimirBlocks: after("Mimir's blocks"),
    tempo: after("Tempo's trace blocks"),
  }).describe("When objects move, by bucket"),
})
  .optional()
  .describe("Another S3 that old objects move to, when kind is minio; without it they stay in MinIO");

type ColdTier = NonNullable<z.output<typeof coldTier>>;

/** Buckets that have a cold tier, and after how many seconds. */
export const coldBuckets = ({ after }: ColdTier): [keyof ColdTier["after"], number][] =>
  (Object.entries(after) as [keyof ColdTier["after"], number | undefined][]).flatMap(([key, seconds]) =>
    seconds === undefined ? [] : [[key, seconds]],
  );

/** Namespace of an endpoint that is a Service of the cluster: `<name>.<namespace>.svc`, with or without a domain. */
export const namespaceOf = (endpoint: string): string | undefined =>
  /^(?:[a-z]+:\/\/)?(?:[^/@]*@)?(?:[\w-]+\.)+([\w-]+)\.svc(?:[.:/]|$)/.exec(endpoint)?.[1];

/** Whether an endpoint is a Service of the cluster. */
export const insideCluster = (endpoint: string): boolean => namespaceOf(endpoint) !== undefined;

/** This stack's own MinIO, as names.ts calls it. */
const ownService = /^https?:\/\/minio\.minio\.svc(\.|:|$)/;

const path = "objectStorage.minio.coldTier";

/** Objects that move elsewhere and not back again. */
const coldTierElsewhere: Check = ({ objectStorage: { buckets, minio } }) => {
  const { coldTier: tier } = minio;
  if (!tier) return [];
  return [
    ...problem(
      ownService.test(tier.endpoint) || tier.endpoint === minio.endpoint,
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

/** MinIO counts whole days, and what is deleted the day it moves is moved for nothing. */
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

/** Rules that join settings of the cold tier. */
export const coldTierChecks: Check[] = [coldTierElsewhere, coldTierUsed, coldTierAge];
