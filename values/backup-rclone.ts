/** Configuration of rclone for backups: remotes, environment variables and scripts. */
import { readFileSync } from "node:fs";
import { projectFile } from "../files";
import { type BackupJob, caBundle } from "../names";
import type { Settings } from "../settings";
import type { BucketKey } from "./minio-access";
import { s3 } from "./object-storage";

/** The destination of the settings; undefined if there are no backups. */
export const backupDestination = ({ backups }: Settings) => backups.destination;
/** Settings of the destination. */
export type Destination = NonNullable<ReturnType<typeof backupDestination>>;

/** Buckets with mutable objects. */
const changing: BucketKey[] = ["mimirRuler", "mimirAlertmanager"];

/** The remotes of rclone, as its environment variables: https://rclone.org/docs/#environment-variables */
function rcloneRemotes(
  settings: Settings,
  { provider, endpoint, region, pathStyle, bucket, prefix }: Destination,
): Record<string, string> {
  const source = s3(settings);
  const remote = (name: string, variables: Record<string, string>) =>
    Object.fromEntries(
      Object.entries({ type: "s3", no_check_bucket: "true", ...variables }).map(([key, value]) => [
        `RCLONE_CONFIG_${name}_${key.toUpperCase()}`,
        value,
      ]),
    );
  return {
    ...remote("STORE", {
      provider: settings.objectStorage.kind === "minio" ? "Minio" : "Other",
      endpoint: `${source.tls ? "https" : "http"}://${source.endpoint}`,
      region: source.region,
      force_path_style: String(source.pathStyle),
    }),
    ...remote("DEST", {
      provider,
      endpoint,
      ...(region && { region }),
      ...(pathStyle !== undefined && { force_path_style: String(pathStyle) }),
    }),
    RCLONE_CONFIG_COPY_TYPE: "crypt",
    RCLONE_CONFIG_COPY_REMOTE: `dest:${[bucket, prefix].filter(Boolean).join("/")}`,
    // Names stay readable, so that an object of the copy can be found; content is encrypted.
    RCLONE_CONFIG_COPY_FILENAME_ENCRYPTION: "off",
    RCLONE_CONFIG_COPY_DIRECTORY_NAME_ENCRYPTION: "false",
    RCLONE_STATS: "1m",
    RCLONE_STATS_LOG_LEVEL: "NOTICE",
    RCLONE_STATS_ONE_LINE: "true",
    DESTINATION: `${endpoint}/${[bucket, prefix].filter(Boolean).join("/")}`,
  };
}

/** Environment variables of all backup Jobs, whatever their namespace. */
export const backupVariables = (settings: Settings, destination: Destination): Record<string, string> => ({
  ...rcloneRemotes(settings, destination),
  KEEP_SECONDS: String(settings.backups.keepDeleted),
  BUCKETS: Object.values(settings.objectStorage.buckets)
    .map(({ name }) => name)
    .join(" "),
  CHANGING: changing.map((key) => settings.objectStorage.buckets[key].name).join(" "),
});

/** The shell script of a Job: `backup` or `restore` of the buckets or of Grafana's database. */
export const backupScript = (script: string, job: BackupJob): string =>
  [
    readFileSync(projectFile("values", "backup", "remotes.sh"), "utf8"),
    readFileSync(projectFile("values", "backup", script), "utf8"),
    `${job}\n`,
  ].join("\n");

/** Data of the Secret with the destination's credentials and password: environment variables. */
export const destinationSecrets = ({
  accessKey,
  secretKey,
  password,
}: Destination): Record<string, string> => ({
  RCLONE_CONFIG_DEST_ACCESS_KEY_ID: accessKey.reveal(),
  RCLONE_CONFIG_DEST_SECRET_ACCESS_KEY: secretKey.reveal(),
  PASSWORD: password.reveal(),
});

/** Data of the ConfigMap with the CA certificates of the destination; undefined if it needs none. */
export const destinationCa = ({ caCertificate }: Destination): Record<string, string> | undefined =>
  caCertificate === undefined ? undefined : { [caBundle.file]: caCertificate };
