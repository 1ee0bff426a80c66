/** The lock of an update that was killed, in a backend that is a folder; other backends say themselves who holds theirs. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { project, UserError } from "../../../settings";
import { chosenBackend, pulumi } from "../../lib/pulumi";
import { root } from "../../lib/stack-config";

/** Who holds a stack, as the backend writes it. */
export interface Lock {
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/** Whether nobody can hold a lock any more: its process ran on this machine and is gone. */
export const isDead = (lock: Lock, host: string, runs: (pid: number) => boolean): boolean =>
  lock.hostname === host && !runs(lock.pid);

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Where a backend that is a folder (`file:///a`, `file://~/a`, `file://./a`) keeps a stack's locks; undefined for others. */
export function lockFolder(stack: string, backend: string | undefined): string | undefined {
  if (!backend?.startsWith("file://")) return undefined;
  const path = backend.slice("file://".length);
  const folder = path.startsWith("~") ? join(homedir(), path.slice(1)) : resolve(root, path);
  return join(folder, ".pulumi", "locks", "organization", project, stack);
}

/** A plugin of Pulumi, and the port at which it was told to find its engine, in a line of `ps`. */
export function plugin(line: string): { pid: number; port: number } | undefined {
  const [, pid, port] =
    /^\s*(\d+)\s+\S*pulumi-(?:resource|language)-\S+ (?:.* )?127\.0\.0\.1:(\d+)\s*$/.exec(line) ?? [];
  return pid ? { pid: Number(pid), port: Number(port) } : undefined;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => done(true)).once("error", () => done(false));
    socket.once("close", () => socket.destroy()).setTimeout(1000, () => done(false));
  });

/** Whether a process works in this project's folder; where that cannot be read, it is taken to. */
function worksHere(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === root;
  } catch {
    return true;
  }
}

/** Ends plugins of this project whose engine is gone: they would finish what nobody will write down. */
async function endOrphans(): Promise<void> {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=", "-o", "args="], { encoding: "utf8" });
  const plugins = (stdout ?? "").split("\n").flatMap((line) => plugin(line) ?? []);
  for (const { pid, port } of plugins) {
    if (!worksHere(pid) || (await listens(port))) continue;
    try {
      process.kill(pid, "SIGKILL");
      console.error(`obs: ended process ${pid}, a plugin whose update is gone`);
    } catch {
      // It has ended by itself.
    }
  }
}

/**
 * Frees a stack that an update left locked which was killed on this machine, and ends what still works for it.
 *
 * @returns whether it is certain that nobody updates the stack; other backends do not let it be seen
 * @throws UserError where somebody holds the lock: who, and what to do
 */
export async function freeDeadLock(stack: string, environment: Record<string, string>): Promise<boolean> {
  const folder = lockFolder(stack, environment["PULUMI_BACKEND_URL"] ?? chosenBackend());
  if (!folder) return false;
  if (!existsSync(folder)) return true;
  const locks = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file): Lock => JSON.parse(readFileSync(join(folder, file), "utf8")));
  if (locks.length === 0) return true;
  const [holder] = locks.filter((lock) => !isDead(lock, hostname(), runs));
  if (holder)
    throw new UserError(
      `stack ${stack} is being updated by ${holder.username}@${holder.hostname} (process ${holder.pid}, since ${holder.timestamp}).\n` +
        `  Let it end. Where it is gone: pulumi cancel --stack ${stack}, then this command again`,
    );
  for (const { pid } of locks)
    console.error(`obs: process ${pid}, which held stack ${stack}, was killed; freeing the stack`);
  await endOrphans();
  const code = await pulumi(["cancel", "--stack", stack, "--yes"], environment);
  if (code !== 0) throw new UserError(`stack ${stack} could not be freed: pulumi cancel ended with ${code}`);
  return true;
}
