/** Jobs of the CronJobs of the backups, started by hand. */
import { BatchV1Api, type V1CronJob, type V1Job } from "@kubernetes/client-node";
import { type BackupJob, backupJobs, backups as names, namespaces } from "../../../names";
import { UserError } from "../../../settings";
import { withAbort } from "../../lib/abort";
import type { Connection } from "../../lib/cluster";
import { followJob } from "../../lib/job-log";
import { ifExists } from "../../lib/objects";

/** What is copied, and the namespace of its Jobs. */
export const parts = { buckets: "backup", grafana: "grafana" } as const;
export type BackupPart = keyof typeof parts;

/** A Job as the CronJob would create it, except that a failure is reported at once instead of retried. */
export function manualJob({ metadata, spec }: V1CronJob, now: Date, args: string[]): V1Job {
  const template = spec?.jobTemplate.spec?.template;
  const [container, ...others] = template?.spec?.containers ?? [];
  if (!metadata?.name || !metadata.uid || !template?.spec || !container)
    throw new Error(`CronJob ${metadata?.namespace}/${metadata?.name} has no Job to start`);
  return {
    metadata: {
      name: `${metadata.name}-manual-${Math.floor(now.getTime() / 1000)}`,
      labels: spec?.jobTemplate.metadata?.labels ?? {},
      annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
      // The CronJob counts its last success, and removes old Jobs.
      ownerReferences: [
        { apiVersion: "batch/v1", kind: "CronJob", name: metadata.name, uid: metadata.uid, controller: true },
      ],
    },
    spec: {
      ...spec?.jobTemplate.spec,
      backoffLimit: 0,
      template: {
        ...template,
        spec: { ...template.spec, containers: [{ ...container, ...(args.length && { args }) }, ...others] },
      },
    },
  };
}

/** A part, its Job, and arguments for the script. */
type JobChoice = [part: BackupPart, job: BackupJob, args?: string[]];

/** @throws UserError if a Job of a part is running */
export async function requireIdle({ config, settings }: Connection, part: BackupPart): Promise<void> {
  const namespace = namespaces(settings)[parts[part]];
  const { items } = await config.makeApiClient(BatchV1Api).listNamespacedJob({ namespace });
  const active = items.find(
    ({ metadata, status }) =>
      status?.active &&
      metadata?.ownerReferences?.some((owner) => backupJobs.map(names.cronJob).includes(owner.name)),
  )?.metadata?.name;
  if (active)
    throw new UserError(
      `Job ${namespace}/${active} is running; wait until it ends: kubectl -n ${namespace} logs -f job/${active}`,
    );
}

/** Starts a Job. @returns its name @throws UserError if the CronJob does not exist, or another Job of it runs */
export async function start(stack: Connection, ...[part, job, args = []]: JobChoice): Promise<string> {
  const api = stack.config.makeApiClient(BatchV1Api);
  const namespace = namespaces(stack.settings)[parts[part]];
  const cronJob = await ifExists(api.readNamespacedCronJob({ namespace, name: names.cronJob(job) }));
  if (!cronJob)
    throw new UserError(`CronJob ${namespace}/${names.cronJob(job)} does not exist: run ./obs up first`);
  await requireIdle(stack, part);
  const body = manualJob(cronJob, new Date(), args);
  await api.createNamespacedJob({ namespace, body });
  console.error(`obs: Job ${namespace}/${body.metadata?.name} started`);
  return body.metadata?.name ?? "";
}

/** Prints the log of a Job until it ends. @returns whether it succeeded */
export const follow = (
  { config, settings }: Connection,
  part: BackupPart,
  name: string,
  stop: AbortSignal,
): Promise<boolean> =>
  followJob(config, namespaces(settings)[parts[part]], name, (text) => process.stdout.write(text), stop);

/** Starts a Job and follows it. @returns whether it succeeded */
export async function run(stack: Connection, ...job: JobChoice): Promise<boolean> {
  const name = await start(stack, ...job);
  return withAbort(`following Job ${name}, which continues in the cluster,`, (stop) =>
    follow(stack, job[0], name, stop),
  );
}
