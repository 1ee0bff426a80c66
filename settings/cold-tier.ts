/** The cold tier: another S3 that MinIO moves old objects to. */
import type { z } from "zod";
import { bucketName, group, oneOf, secret, text } from "./fields";
import { duration } from "./units";

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
