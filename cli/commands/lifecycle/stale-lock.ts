/** The lock of a killed update in a backend that is a folder. Other backends report its owner themselves. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { project, UserError } from "../../../settings";
import { chosenBackend, pulumi } from "../../lib/pulumi";
import { root } from "../../lib/stack-config";

export interface Lock {
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
export async function removeStaleLock(stack: string, environment: Record<string, string>): Promise<boolean> {
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
