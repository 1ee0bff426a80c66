/** Recovery from a killed update: its lock, pending operations, and objects that the state does not have. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { project, UserError } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import { chosenBackend, type Deployment, exported, pulumi } from "../../lib/pulumi";
import { requireSameCluster } from "../../lib/same-cluster";
import { root } from "../../lib/stack-config";
import {
  clearObjects,
  clearReleases,
  type PendingOperation,
  pendingReleases,
  unknownObjects,
} from "./pending-operations";

/** The lock of an update in a backend that is a folder. Other backends report its owner themselves. */
interface Lock {
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/** Whether a lock is from a process of this machine that has ended. */
export const isStale = (lock: Lock, host: string, runs: (pid: number) => boolean): boolean =>
  lock.hostname === host && !runs(lock.pid);

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The folder of a stack's locks in a backend such as `file:///a`, `file://~/a`, `file://./a`; undefined for others. */
export function lockFolder(stack: string, backend: string | undefined): string | undefined {
  if (!backend?.startsWith("file://")) return undefined;
  const path = backend.slice("file://".length);
  const folder = path.startsWith("~") ? join(homedir(), path.slice(1)) : resolve(root, path);
  return join(folder, ".pulumi", "locks", "organization", project, stack);
}

/**
 * Runs `pulumi cancel` if a killed process of this machine holds the lock of a stack.
 *
 * @returns whether it is certain that no update runs, which only a backend in a folder shows
 * @throws UserError if another update holds the lock
 */
async function removeStaleLock(stack: string, environment: Record<string, string>): Promise<boolean> {
  const folder = lockFolder(stack, environment["PULUMI_BACKEND_URL"] ?? chosenBackend());
  if (!folder) return false;
  if (!existsSync(folder)) return true;
  const locks = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file): Lock => JSON.parse(readFileSync(join(folder, file), "utf8")));
  if (locks.length === 0) return true;
  const [holder] = locks.filter((lock) => !isStale(lock, hostname(), runs));
  if (holder)
    throw new UserError(
      `stack ${stack} is locked by an update of ${holder.username}@${holder.hostname} (process ${holder.pid}, since ${holder.timestamp}).\n` +
        `  Wait until it ends. If it was killed: pulumi cancel --stack ${stack}, then run this command again`,
    );
  for (const { pid } of locks)
    console.error(`obs: process ${pid}, which locked stack ${stack}, was killed; removing its lock`);
  const code = await pulumi(["cancel", "--stack", stack, "--yes"], environment);
  if (code !== 0)
    throw new UserError(`the lock of stack ${stack} could not be removed: pulumi cancel exited with ${code}`);
  return true;
}

/** The state without pending operations. */
export const settled = ({ version, deployment }: Deployment): Deployment => {
  const { pending_operations: _, ...rest } = deployment;
  return { version, deployment: rest };
};

/** Replaces the stack's state. */
async function importState(
  stack: string,
  state: Deployment,
  environment: Record<string, string>,
): Promise<void> {
  const code = await pulumi(["stack", "import", "--stack", stack], environment, JSON.stringify(state));
  if (code !== 0)
    throw new UserError(`the state of stack ${stack} cannot be imported; Pulumi's message is above`);
}

/**
 * Recovers from a killed update, if there was one.
 *
 * @param environment variables for Pulumi
 * @param away whether the stack is about to be deleted: then objects that the state does not have are deleted here
 * @throws SettingsError before any change if the cluster is not that of the stack
 */
export async function recoverInterruptedUpdate(
  stack: string,
  connection: Connection,
  environment: Record<string, string>,
  away = false,
): Promise<void> {
  const { config } = connection;
  const certain = await removeStaleLock(stack, environment);
  const state = exported(stack, environment);
  const operations = (state?.deployment.pending_operations ?? []) as PendingOperation[];
  // The preflight of another cluster would report problems that this stack does not have.
  if (state) await requireSameCluster(stack, connection, state, away);
  if (!state || operations.length === 0) return;
  // A running update has pending operations too. The import needs the lock, and fails while one runs.
  if (!certain) await importState(stack, settled(state), environment);
  console.error(`obs: an earlier update was killed while it worked on ${operations.length} resources`);
  await clearReleases(config, pendingReleases(operations), away);
  await clearObjects(config, unknownObjects(operations, state.deployment.resources ?? []));
  if (certain) await importState(stack, settled(state), environment);
}
