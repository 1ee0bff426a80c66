/** Settings of the scheduled backups: a copy of the buckets and of Grafana's database in another S3. */
import { bucketName, group, oneOf, resources, secret, text, yesNo } from "./fields";
import { duration } from "./units";

const cronField = String.raw`[\d*,/A-Za-z-]+`;

const destination = group({
  provider: oneOf("AWS", "Ceph", "Cloudflare", "GCS", "Minio", "Scaleway", "Wasabi", "Other").describe(
    "Provider of that S3, as rclone names it: https://rclone.org/s3/",
  ),
  endpoint: text(
    "an https:// URL without a path, or http:// inside the cluster",
    /^https?:\/\/[a-z0-9.-]+(:\d+)?$/,
  ).describe("URL at which the Jobs reach it"),
  region: text("a region name").optional().describe("Region that requests are signed for"),
  pathStyle: yesNo()
    .optional()
    .describe(
      "Whether the bucket is in the path of the URL instead of the host name; default: the style of the provider",
    ),
  bucket: bucketName().describe("Bucket for the copy; it must exist"),
  prefix: text("a prefix such as observability, without a slash at its ends", /^[\w.-]+(\/[\w.-]+)*$/)
    .optional()
    .describe("Prefix of the copy; without it, the bucket must be used for this copy alone"),
  accessKey: secret("an access key of 3 to 128 characters", /^\S{3,128}$/).describe(
    "Access key that may list that bucket, and read, write and delete its objects",
  ),
  secretKey: secret("a secret key of 8 to 128 characters", /^\S{8,128}$/).describe("Its secret key"),
  password: secret("a password of 16 to 256 characters", /^\S{16,256}$/)
    .describe(
      "Password that encrypts the copy. Keep it outside the cluster as well: without it, the copy cannot be read",
    )
    .meta({ later: "fixed for a copy" }),
  caCertificate: text(
    "CA certificates as PEM text",
    /^(-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/,
  )
    .optional()
    .describe("CA certificates of the endpoint, if a public CA did not sign its certificate"),
});

/** Schedule and destination of backups, and retention of deleted data. */
export const backups = group({
  schedule: text(
    "a cron schedule of five fields such as 30 2 * * *",
    new RegExp(`^(${cronField} ){4}${cronField}$`),
  ).describe("Schedule of the Jobs, in UTC, as a cron schedule"),
  maxAge: duration().describe(
    "Maximum age of the last successful backup before an alert fires: the interval of the schedule and the duration of a run",
  ),
  keepDeleted: duration().describe(
    "How long the copy keeps objects that the stack deleted or replaced, and databases of Grafana; you can restore any state of that period",
  ),
  ...resources,
  destination: destination
    .optional()
    .describe("Another S3 as the destination of the copy; without it, there are no backups"),
}).describe("Scheduled backups of the buckets and of Grafana's database");
