/** Backups. */
import type { StackRule } from "../rule";

export const backupsScheduled: StackRule = {
  id: "backups-scheduled",
  requires: "Production's buckets have a scheduled backup.",
  why: "the loss of the object storage is the loss of all logs, metrics and traces",
  level: { dev: "disabled", prod: "advisory" },
  checkStack(subjects) {
    const [bucket] = subjects.filter(({ kind }) => kind === "S3Bucket");
    const scheduled = subjects.some(
      ({ kind, object }) =>
        kind === "CronJob" && object["metadata"]?.name === "backup" && object["spec"]?.suspend !== true,
    );
    return bucket && !scheduled
      ? [{ subject: bucket, what: "it has no scheduled backup", fix: "Set backups.destination." }]
      : [];
  },
};
