/** `obs backup` and `obs restore`: start Jobs of the backups' CronJobs, and follow their logs. */
import { AppsV1Api, BatchV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { podsOf } from "../../../components/port-forward";
import { namespaces, releases } from "../../../names";
import { invalid, type Settings, UserError } from "../../../settings";
import { backupDestination } from "../../../values/backup-rclone";
import { backupNamespaces } from "../../../values/backups";
import { withAbort } from "../../lib/abort";
import { type Connection, connectStores, requireConfirmation } from "../../lib/cluster";
import { inContainer } from "../../lib/exec";
import { grafanaPods } from "../../lib/grafana";
import { ifExists } from "../../lib/objects";
import { until } from "../../lib/poll";
import { requireOwnNamespaces } from "../../lib/same-cluster";
import { type BackupPart, follow, parts, requireIdle, run, start } from "./jobs";

/** The parts of a command. @throws UserError if the stack has no backups, or none of that part */
export function selectedParts(stack: string, settings: Settings, only: string | undefined): BackupPart[] {
  if (!backupDestination(settings))
    throw new UserError(
      `stack ${stack} has no backups: set backups.destination (docs/guides/backup.md), then run ./obs up ${stack}`,
    );
  const wanted = backupNamespaces(settings);
  const there = (Object.keys(parts) as BackupPart[]).filter((part) => wanted.includes(parts[part]));
  if (only === undefined) return there;
  const chosen = there.filter((part) => part === only);
  if (chosen.length === 0) throw new UserError(invalid("--only", only, `one of ${there.join(", ")}`));
  return chosen;
}

interface RestoreOptions {
  before?: string;
  takeOver?: boolean;
}

/** The arguments of the scripts for a restore. @throws UserError if `--before` is not a time */
export function restoreArguments({ before, takeOver }: RestoreOptions): string[] {
  const option = takeOver ? ["--take-over"] : [];
  if (before === undefined) return option;
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(before) ? new Date(before) : undefined;
  if (!time || Number.isNaN(time.getTime()))
    throw new UserError(invalid("--before", before, "a time in UTC such as 2026-11-29T14:30:00Z"));
  return [...option, time.toISOString().replace(/[-:T]|\..*/g, "")];
}

/** @returns the exit code */
export async function backup(stack: string, { only }: { only?: string }): Promise<number> {
  const connection = await connectStores(stack);
  let succeeded = true;
  for (const part of selectedParts(stack, connection.settings, only))
    succeeded = (await run(connection, part, "backup")) && succeeded;
  return succeeded ? 0 : 1;
}

/** Sets the replicas of Grafana, and waits until as many pods run. */
async function scaleGrafana(stack: Connection, replicas: number): Promise<void> {
  const { config, settings } = stack;
  const apps = config.makeApiClient(AppsV1Api);
  const of = { namespace: namespaces(settings).grafana, name: releases.grafana };
  await apps.patchNamespacedDeployment(
    { ...of, body: { spec: { replicas } } },
    setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  );
  const done = async () => {
    if (replicas) return (await apps.readNamespacedDeployment(of)).status?.readyReplicas === replicas;
    return !(await podsOf(config, grafanaPods(settings))).length;
  };
  await until(300, "change of Grafana's replicas", done).catch(({ message }: Error) => {
    throw new UserError(`Grafana did not ${replicas ? "become ready" : "stop"} within 5 minutes: ${message}`);
  });
}

/** Restores Grafana's database while Grafana is stopped. The database has the old password of the user admin. */
async function restoreGrafana(stack: Connection, args: string[]): Promise<boolean> {
  const { config, settings } = stack;
  const { grafana: namespace } = namespaces(settings);
  await requireIdle(stack, "grafana");
  const succeeded = await withAbort("the restore of Grafana's database", async (stop) => {
    let name: string | undefined;
    try {
      console.error("obs: stopping Grafana");
      await scaleGrafana(stack, 0);
      name = await start(stack, "grafana", "restore", args);
      return await follow(stack, "grafana", name, stop);
    } catch (error) {
      const batch = config.makeApiClient(BatchV1Api);
      // The Job must not replace the database of a running Grafana.
      if (name) {
        const job = { namespace, name };
        await batch.deleteNamespacedJob({ ...job, propagationPolicy: "Foreground" });
        await until(90, "deletion of the Job", async () => !(await ifExists(batch.readNamespacedJob(job))));
      }
      throw error;
    } finally {
      console.error("obs: starting Grafana");
      await scaleGrafana(stack, settings.grafana.replicas);
    }
  });
  if (!succeeded) return false;
  const [pod] = await podsOf(config, grafanaPods(settings));
  await inContainer(
    config,
    { namespace, pod: pod?.metadata?.name ?? "", container: "grafana" },
    'printf %s "$GF_SECURITY_ADMIN_PASSWORD" | grafana cli --homepath /usr/share/grafana --config /etc/grafana/grafana.ini admin reset-admin-password --password-from-stdin',
  );
  return true;
}

/** @returns the exit code */
export async function restore(
  stack: string,
  { only, yes, ...options }: RestoreOptions & { only?: string; yes?: boolean },
): Promise<number> {
  const args = restoreArguments(options);
  const connection = await connectStores(stack);
  const { settings } = connection;
  const wanted = selectedParts(stack, settings, only);
  const replaced = { buckets: "objects in buckets", grafana: "Grafana's database" };
  const all = wanted.map((part) => replaced[part]).join(" and ");
  requireConfirmation(settings, yes, `a restore replaces ${all} of stack ${stack} with those of the backup`);
  await requireOwnNamespaces(stack, connection);
  for (const part of wanted) {
    const succeeded =
      part === "grafana"
        ? await restoreGrafana(connection, args)
        : await run(connection, part, "restore", args);
    if (!succeeded) return 1;
  }
  console.error(
    "obs: restored. Queries find the data within 15 minutes; of metrics, the last 12 hours need mimir.storeAfter (docs/guides/backup.md)",
  );
  return 0;
}
