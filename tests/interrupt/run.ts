/**
 * The drill of interrupted updates: `./obs up` of a dev stack on an empty cluster, interrupted at ten points, each followed by
 * an `./obs up` that must end well, a preview that must find nothing to do, and an `./obs down` that must leave nothing.
 *
 * `OBS_TEST_KUBECONFIG=<file> npm run test:interrupt [-- <number of a point>…]`, about four minutes a point.
 */
import type { ChildProcess } from "node:child_process";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { leftIn, presentNamespaces } from "../../automation/left";
import { table } from "../../cli/table";
import { ProjectCopy } from "../support/project";
import { familyOf, type Point, points, reached, type Seen, seenIn } from "./points";

const stack = "interrupted";
/** Seconds that an update may take to come to its point, and to end once it was interrupted. */
const within = 900;

const exited = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

/** What an event log says so far; its last line may still be written. */
function seenSoFar(log: string): Seen[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
  return lines.flatMap((line) => seenIn(line) ?? []);
}

function processes() {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=", "-o", "ppid="], { encoding: "utf8" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0]) => ({ pid, parent }));
}

/** Interrupts as the point says; a terminal sends Ctrl-C to the whole group, as here. */
async function interrupt(child: ChildProcess, { end }: Point): Promise<void> {
  const group = -(child.pid ?? 0);
  if (end === "all killed") {
    for (const pid of familyOf(-group, processes())) process.kill(pid, "SIGKILL");
    return;
  }
  process.kill(group, end === "engine killed" ? "SIGKILL" : "SIGINT");
  if (end !== "Ctrl-C twice") return;
  await wait(1500);
  if (!exited(child)) process.kill(group, "SIGINT");
}

/** Brings the stack up as far as the point. @returns how it ended; undefined where it never came to the point */
async function upTo(copy: ProjectCopy, point: Point): Promise<string | undefined> {
  const events = join(copy.folder, "events.jsonl");
  rmSync(events, { force: true });
  const child = copy.start(["up", stack, "--", "--skip-preview", "--event-log", events], {
    // The option is one of Pulumi's for those who look into it.
    PULUMI_DEBUG_COMMANDS: "true",
  });
  const deadline = Date.now() + within * 1000;
  while (!reached(point, seenSoFar(events))) {
    if (exited(child) || Date.now() > deadline) {
      if (!exited(child)) process.kill(-(child.pid ?? 0), "SIGINT");
      return undefined;
    }
    await wait(200);
  }
  await wait((point.after ?? 0) * 1000);
  if (exited(child)) return undefined;
  const begun = Date.now();
  await interrupt(child, point);
  while (!exited(child)) {
    if (Date.now() > begun + within * 1000)
      throw new Error(`the update has not ended ${within} s after ${point.end}`);
    await wait(200);
  }
  return `${point.end}, ended after ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}

/** What came of one point. */
interface Row {
  name: string;
  ok: boolean;
  ended: string;
  state: string;
  up: string;
  same: string;
  left: string;
}

const lastLines = (output: string) => output.trim().split("\n").slice(-25).join("\n");

/** @throws where the stack could not be taken down, and the drill cannot go on */
async function drill(copy: ProjectCopy, config: KubeConfig, point: Point): Promise<Row> {
  const row: Row = {
    name: point.name,
    ok: false,
    ended: "never came to it",
    state: "-",
    up: "-",
    same: "-",
    left: "-",
  };
  const ended = await upTo(copy, point);
  if (ended) {
    row.ended = ended;
    const pending = copy.pending(stack);
    row.state = `${copy.resources(stack).length} resources, ${copy.locks()} locks, begun: ${pending.join(", ") || "none"}`;
    console.error(`  ${ended}: ${row.state}`);
  }
  const up = await copy.run(["up", stack]);
  const said = up.output
    .split("\n")
    .filter((line) => /^obs: .*(killed|ended|anew|going on|freeing|stays)/.test(line));
  for (const line of said) console.error(`  ${line}`);
  row.up = `${up.code} after ${up.seconds.toFixed(0)} s`;
  console.error(`  up: ${row.up}${up.code ? `\n${lastLines(up.output)}` : ""}`);
  const same = await copy.run(["preview", stack, "--", "--expect-no-changes"]);
  row.same = same.code === 0 ? "nothing" : "CHANGES";
  if (same.code) console.error(`  preview:\n${lastLines(same.output)}`);
  const down = await copy.run(["down", stack, "--yes"]);
  const left = await leftIn(config);
  row.left = left.join(", ") || "nothing";
  console.error(`  down: ${down.code} after ${down.seconds.toFixed(0)} s, left: ${row.left}`);
  if (down.code || left.length)
    throw Object.assign(new Error(`not taken down:\n${lastLines(down.output)}`), { row });
  return { ...row, ok: Boolean(ended) && up.code === 0 && same.code === 0 };
}

const report = (rows: Row[]): string =>
  table([
    ["interrupted", "", "how", "what the state said", "second up", "preview after it", "left after down"],
    ...rows.map(({ name, ok, ended, state, up, same, left }) => [
      name,
      ok ? "ok" : "FAILED",
      ended,
      state,
      up,
      same,
      left,
    ]),
  ]);

async function main(wanted: string[]): Promise<number> {
  const kubeconfig = process.env["OBS_TEST_KUBECONFIG"];
  if (!kubeconfig) {
    console.error("interrupt: OBS_TEST_KUBECONFIG names no cluster; the drill wants an empty one");
    return 2;
  }
  const chosen = wanted.length ? wanted.map((number) => points[Number(number) - 1]) : points;
  if (chosen.some((point) => point === undefined)) {
    console.error(`interrupt: points are numbers from 1 to ${points.length}`);
    return 2;
  }
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const present = await presentNamespaces(config);
  if (present.length) {
    console.error(`interrupt: the cluster has a stack already: namespaces ${present.join(", ")}`);
    return 2;
  }
  const copy = new ProjectCopy(kubeconfig);
  copy.configure(stack, { environment: "dev" });
  const rows: Row[] = [];
  let whole = false;
  try {
    for (const point of chosen as Point[]) {
      console.error(`${points.indexOf(point) + 1} ${point.name}, ${point.end}:`);
      rows.push(await drill(copy, config, point));
    }
    whole = true;
  } catch (error) {
    const { row, message } = error as Error & { row?: Row };
    if (row) rows.push(row);
    console.error(`interrupt: ${message}\nThe stack is kept in ${copy.folder}`);
  }
  if (whole) copy.remove();
  console.log(report(rows));
  return whole && rows.every(({ ok }) => ok) ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(`interrupt: ${error.message}`);
    process.exit(1);
  },
);
