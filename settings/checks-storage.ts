/** Rules about object storage. */
import { type Check, problem } from "./check";
import { externalStorageChecks } from "./checks-external-storage";
import { erasureSet } from "./forecast";
import { day, goDuration } from "./units";

const minioServers: Check = ({ objectStorage: { kind, minio } }) =>
  problem(
    kind === "minio" && (minio.mode === "standalone" ? minio.servers !== 1 : minio.servers < 4),
    "objectStorage.minio.servers",
    minio.servers,
    minio.mode === "standalone"
      ? "1, because objectStorage.minio.mode is standalone"
      : "4 or more, because objectStorage.minio.mode is distributed",
  );

/** MinIO divides the servers into erasure sets of 2 to 16 drives: https://docs.min.io/community/minio-object-store/operations/concepts/erasure-coding.html */
const minioErasureSets: Check = ({ objectStorage: { kind, minio } }) =>
  problem(
    kind === "minio" && erasureSet(minio.servers).drives > 16,
    "objectStorage.minio.servers",
    minio.servers,
    "a number that MinIO can divide into equal erasure sets of at most 16 drives, such as 16, 18 or 20",
  );

const minioEndpoint: Check = ({ objectStorage: { minio } }) =>
  problem(
    minio.caFile !== undefined && minio.endpoint === undefined,
    "objectStorage.minio.caFile",
    minio.caFile,
    "nothing, because objectStorage.minio.endpoint is not set",
  );

const bucketNames: Check = ({ objectStorage: { buckets } }) => {
  const entries = Object.entries(buckets);
  return entries.flatMap(([key, { name }], index) =>
    problem(
      entries.findIndex(([, other]) => other.name === name) < index,
      `objectStorage.buckets.${key}.name`,
      name,
      "a name that no other bucket has",
    ),
  );
};

/**
 * The stores delete data some time after its retention ends: Mimir marks a block and deletes it 2 h later, Loki and
 * Tempo delete after 2 h and 1 h. Until then, a bucket's lifecycle must not delete parts of it.
 */
const lifecycleMargin: Check = ({ objectStorage }) =>
  problem(
    objectStorage.lifecycleMargin < day,
    "objectStorage.lifecycleMargin",
    goDuration(objectStorage.lifecycleMargin),
    "at least 1d: the stores need hours to delete data past its retention",
  );

/** Rules about object storage. */
export const storageChecks: Check[] = [
  minioServers,
  minioErasureSets,
  minioEndpoint,
  ...externalStorageChecks,
  bucketNames,
  lifecycleMargin,
];
