import { BatchV1Api, type V1CronJob } from "@kubernetes/client-node";
import { backups as names, namespaces } from "../../../../names";
import type { Settings } from "../../../../settings";
import { goDuration } from "../../../../settings/units";
import { backupNamespaces } from "../../../../values/backups";
import { ifThere } from "../../../lib/objects";
import { type Check, type Finding, findingIn } from "../check";

const hour = 3600;
const page = (alert: string) => `docs/operations/runbooks/${alert}.md`;

const finding = (what: string, evidence: string, fix: string, alert: string): Finding =>
  findingIn("storage")("warning", what, evidence, fix, page(alert));

/** What is wrong with the CronJob of a namespace. @param now in seconds */
export function judgeBackup(
  stack: string,
  { backups }: Settings,
  namespace: string,
  cronJob: V1CronJob | undefined,
  now: number,
): Finding[] {
  const name = `${namespace}/${names.cronJob("backup")}`;
  if (!cronJob)
    return [
      finding(
        `CronJob ${name} does not exist, so no backups run`,
        "backups.destination is set",
        `./obs refresh ${stack}, then ./obs up ${stack}`,
        "BackupMissing",
      ),
    ];
  if (cronJob.spec?.suspend)
    return [
      finding(
        `CronJob ${name} is suspended, so no backups run`,
        "spec.suspend is true",
        `kubectl -n ${namespace} patch cronjob ${names.cronJob("backup")} -p '{"spec":{"suspend":false}}'`,
        "BackupTooOld",
      ),
    ];
  const last = cronJob.status?.lastSuccessfulTime;
  const since = (last ?? cronJob.metadata?.creationTimestamp)?.getTime() ?? 0;
  const age = now - since / 1000;
  if (age <= backups.maxAge) return [];
  return [
    finding(
      last
        ? `the last successful backup of ${name} is ${Math.floor(age / hour)} hours old`
        : `CronJob ${name} has never succeeded`,
      `${last ? "lastSuccessfulTime" : "created"} ${new Date(since).toISOString()}; backups.maxAge is ${goDuration(backups.maxAge)}`,
      `./obs backup ${stack}`,
      "BackupTooOld",
    ),
  ];
}

/** Backups that do not run, or do not succeed. A stack without a destination is a finding of the preflight. */
export const check: Check = {
  name: "backups",
  async look({ stack, settings, config }) {
    const api = config.makeApiClient(BatchV1Api);
    const all = backupNamespaces(settings).map(async (key) => {
      const namespace = namespaces(settings)[key];
      const cronJob = await ifThere(api.readNamespacedCronJob({ namespace, name: names.cronJob("backup") }));
      return judgeBackup(stack, settings, namespace, cronJob, Date.now() / 1000);
    });
    return (await Promise.all(all)).flat();
  },
};
