/** Rules about backups. */
import { type Check, problem } from "./check";
import { insideCluster, isOwnMinio } from "./cold-tier";
import { day, goDuration } from "./units";

const path = "backups.destination";

const backupElsewhere: Check = (settings) => {
  const { destination } = settings.backups;
  const { kind, external } = settings.objectStorage;
  if (!destination) return [];
  if (kind === "gcs" || kind === "azure")
    return problem(
      true,
      path,
      destination.endpoint,
      `nothing, because objectStorage.kind is ${kind}: use versioning and replication of that storage`,
    );
  const { endpoint } = destination;
  /** Host and port, which is 443 by default. */
  const server = (url: string) => new URL(url.includes("://") ? url : `https://${url}`).host;
  return [
    ...problem(
      kind === "minio"
        ? isOwnMinio(settings, endpoint)
        : external !== undefined && server(endpoint) === server(external.endpoint),
      `${path}.endpoint`,
      endpoint,
      "another S3 than the object storage of this stack, which would be lost together with the copy",
    ),
    ...problem(
      endpoint.startsWith("http://") && !insideCluster(endpoint),
      `${path}.endpoint`,
      endpoint,
      "https://, because it is outside the cluster (inside: http://<service>.<namespace>.svc)",
    ),
  ];
};

/** The stack creates no users in an external S3, so their keys must be set. */
const backupAccess: Check = ({ backups: { destination }, objectStorage: { kind, external } }) =>
  destination && kind === "external" && external
    ? (["backup", "restore"] as const).flatMap((user) =>
        problem(
          external[user] === undefined,
          `objectStorage.external.${user}`,
          undefined,
          "an accessKey and a secretKey (set with --secret), because backups.destination is set",
        ),
      )
    : [];

const backupAges: Check = ({ backups: { keepDeleted, maxAge } }) => [
  ...problem(keepDeleted < day, "backups.keepDeleted", goDuration(keepDeleted), "1d or more"),
  ...problem(maxAge < 3600, "backups.maxAge", goDuration(maxAge), "1h or more"),
];

/** Rules about backups. */
export const backupChecks: Check[] = [backupElsewhere, backupAccess, backupAges];
