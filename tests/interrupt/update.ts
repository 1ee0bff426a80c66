/** Runs an update to a point and interrupts it there. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ProjectCopy } from "../support/project";
import { familyOf, type Point, type Process, reached, type Seen, seenIn } from "./points";

/** Timeout of an update until it reaches its point, and until it exits after the interruption, in seconds. */
const within = 900;

const exited = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** Reads an event log as it grows: complete lines since the last call. */
function follow(log: string): () => Seen[] {
  let read = 0;
  let rest = "";
  const seen: Seen[] = [];
  return () => {
    if (!existsSync(log)) return seen;
    const file = openSync(log, "r");
    const part = Buffer.alloc(fstatSync(file).size - read);
    read += readSync(file, part, 0, part.length, read);
    closeSync(file);
    // Events may contain text in any language, but the relevant part is ASCII.
    const lines = `${rest}${part.toString("latin1")}`.split("\n");
    rest = lines.pop() ?? "";
    seen.push(...lines.flatMap((line) => seenIn(line) ?? []));
    return seen;
  };
}

function processes(): Process[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=", "-o", "ppid="], { encoding: "utf8" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]) => ({ pid, parent }));
}

/** Sends a signal to a process or a group that may have exited. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Interrupts as the point defines; like a terminal, it sends Ctrl-C to the whole group. */
async function interrupt(child: ChildProcess, { end }: Point): Promise<void> {
  const group = -(child.pid ?? 0);
  if (end === "all killed") {
    for (const pid of familyOf(-group, processes())) signal(pid, "SIGKILL");
    return;
  }
  signal(group, end === "engine killed" ? "SIGKILL" : "SIGINT");
  if (end !== "Ctrl-C twice") return;
  await wait(1500);
  if (!exited(child)) signal(group, "SIGINT");
}

/** Waits for a process to exit. @throws on a timeout */
async function ended(child: ChildProcess, what: string): Promise<void> {
  const deadline = Date.now() + within * 1000;
  while (!exited(child)) {
    if (Date.now() > deadline) throw new Error(`the update did not end within ${within} s after ${what}`);
    await wait(200);
  }
}

/**
 * Updates a stack up to a point, and interrupts it there.
 *
 * @param stop ends the update in order, if the drill itself is interrupted
 * @returns how it ended; undefined if it did not reach the point
 */
export async function upTo(
  copy: ProjectCopy,
  stack: string,
  point: Point,
  stop: AbortSignal,
): Promise<string | undefined> {
  const events = join(copy.folder, "events.jsonl");
  rmSync(events, { force: true });
  const child = copy.start(["up", stack, "--", "--skip-preview", "--event-log", events], {
    // A debugging option of Pulumi.
    PULUMI_DEBUG_COMMANDS: "true",
  });
  const seen = follow(events);
  const deadline = Date.now() + within * 1000;
  while (!exited(child) && !reached(point, seen())) {
    if (stop.aborted || Date.now() > deadline) {
      signal(-(child.pid ?? 0), "SIGINT");
      await ended(child, "Ctrl-C");
    }
    await wait(200);
  }
  await wait((point.after ?? 0) * 1000);
  stop.throwIfAborted();
  if (exited(child)) return undefined;
  const begun = Date.now();
  await interrupt(child, point);
  await ended(child, point.end);
  return `${point.end}, ended after ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}
