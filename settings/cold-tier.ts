/** The cold tier: another S3 that MinIO transitions old objects to. */
import type { z } from "zod";
import { bucketName, group, oneOf, secret, text } from "./fields";
import { duration } from "./units";

const after = (what: string) =>
  duration().optional().describe(`Age at which ${what} move, in whole days; without it, they do not move`);

/** Settings of the cold tier. */
export const coldTier = group({
  kind: oneOf("s3", "minio").describe("Whether the destination is an S3 or another MinIO"),
  endpoint: text(
    "an https:// URL without a path, or http:// inside the cluster",
    /^https?:\/\/[a-z0-9.-]+(:\d+)?$/,
  ).describe("URL at which MinIO reaches it; a public CA must have issued its certificate"),
  region: text("a region name").optional().describe("Region that requests are signed for, when kind is s3"),
  bucket: bucketName().describe("Bucket in the cold tier; it must exist and be empty (below the prefix)"),
  prefix: text("a prefix such as observability, without a slash at its ends", /^[\w.-]+(\/[\w.-]+)*$/)
    .optional()
    .describe("Prefix of object names; without it, the bucket must be used for this stack alone"),
  accessKey: secret("an access key of 3 to 128 characters", /^\S{3,128}$/).describe(
    "Access key that may list that bucket, and read, write and delete its objects",
  ),
  secretKey: secret("a secret key of 8 to 128 characters", /^\S{8,128}$/).describe("Its secret key"),
  after: group({
    loki: after("Loki's chunks and index"),
    mimirBlocks: after("Mimir's blocks"),
    tempo: after("Tempo's trace blocks"),
  }).describe("Age at which objects move, by bucket"),
})
  .optional()
  .describe("Another S3 for old objects, when kind is minio; without it, they stay in MinIO");

type ColdTier = NonNullable<z.output<typeof coldTier>>;

/** Buckets that have a cold tier, with the age of their objects at transition, in seconds. */
export const coldBuckets = ({ after }: ColdTier): [keyof ColdTier["after"], number][] =>
  (Object.entries(after) as [keyof ColdTier["after"], number | undefined][]).flatMap(([key, seconds]) =>
    seconds === undefined ? [] : [[key, seconds]],
  );

/** Namespace of an endpoint that is a Service of the cluster: `<name>.<namespace>.svc`, with or without a domain. */
export const namespaceOf = (endpoint: string): string | undefined =>
  /^(?:[a-z]+:\/\/)?(?:[^/@]*@)?(?:[\w-]+\.)+([\w-]+)\.svc(?:[.:/]|$)/.exec(endpoint)?.[1];

/** Whether an endpoint is this stack's own MinIO, by the names in names.ts. */
export const isOwnMinio = (
  {
    namespaces: { prefix, names },
  }: {
    namespaces: { prefix: string; names?: Readonly<Record<string, string>> };
  },
  endpoint: string,
): boolean =>
  namespaceOf(endpoint) === (names?.["minio"] ?? `${prefix}minio`) &&
  /^(?:[a-z]+:\/\/)?minio\./.test(endpoint);

/** Whether an endpoint is a Service of the cluster. */
export const insideCluster = (endpoint: string): boolean => namespaceOf(endpoint) !== undefined;
