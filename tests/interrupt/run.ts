/**
 * The drill of interrupted updates: `./obs up` of a dev stack on an empty cluster, interrupted at ten points. After
 * each interruption, an `./obs up` must succeed, a preview must find no changes, and an `./obs down` must leave
 * nothing.
 *
 * `OBS_TEST_KUBECONFIG=<file> npm run test:interrupt [-- <number of a point>…]`, about four minutes per point.
 */

import { setTimeout as wait } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { presentNamespaces } from "../../automation/left";
import { table } from "../../cli/lib/text";
import { inventory } from "../support/inventory";
import { ProjectCopy } from "../support/project";
import { settingsOf } from "../support/stacks";
import { type Point, points } from "./points";
import { upTo } from "./update";

const stack = "interrupted";

/** Environment of the drill. */
interface Place {
  copy: ProjectCopy;
  config: KubeConfig;
  /** Objects in the cluster before the drill. */
  before: Set<string>;
  /** Signals an interruption of the drill itself. */
  stop: AbortSignal;
}

/** The result of one point. */
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

/** New objects in the cluster since the start; volumes take a moment to be deleted. */
async function leftOf(config: KubeConfig, before: Set<string>): Promise<string[]> {
  for (let tries = 12; ; tries--) {
    const left = (await inventory(config)).filter((one) => !before.has(one));
    if (left.length === 0 || tries === 0) return left;
    await wait(5000);
  }
}

/** @throws if the stack could not be deleted, and the drill cannot continue */
async function drill({ copy, config, before, stop }: Place, point: Point): Promise<Row> {
  const row: Row = {
    name: point.name,
    ok: false,
    ended: "never came to it",
    state: "-",
    up: "-",
    same: "-",
    left: "-",
  };
  const ended = await upTo(copy, stack, point, stop);
  if (ended) {
    row.ended = ended;
    const pending = copy.pending(stack);
    row.state = `${copy.resources(stack).length} resources, ${copy.locks()} locks, begun: ${pending.join(", ") || "none"}`;
    console.error(`  ${ended}: ${row.state}`);
  }
  const up = await copy.run(["up", stack], { stop });
  const said = up.output
    .split("\n")
    .filter((line) => /^obs: .*(killed|ended|anew|going on|freeing|stays)/.test(line));
  for (const line of said) console.error(`  ${line}`);
  row.up = `${up.code} after ${up.seconds.toFixed(0)} s`;
  console.error(`  up: ${row.up}${up.code ? `\n${lastLines(up.output)}` : ""}`);
  const same = await copy.run(["preview", stack, "--", "--expect-no-changes"], { stop });
  row.same = same.code === 0 ? "nothing" : "CHANGES";
  if (same.code) console.error(`  preview:\n${lastLines(same.output)}`);
  stop.throwIfAborted();
  const down = await copy.run(["down", stack, "--yes"]);
  const left = await leftOf(config, before);
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
    console.error("interrupt: OBS_TEST_KUBECONFIG is not set (set it to the kubeconfig of an empty cluster)");
    return 2;
  }
  const chosen = wanted.length ? wanted.map((number) => points[Number(number) - 1]) : points;
  if (chosen.some((point) => point === undefined)) {
    console.error(`interrupt: a point must be an integer between 1 and ${points.length}`);
    return 2;
  }
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const present = await presentNamespaces(config, settingsOf("dev"));
  if (present.length) {
    console.error(`interrupt: the cluster already has a stack: namespaces ${present.join(", ")}`);
    return 2;
  }
  const before = new Set(await inventory(config));
  const copy = new ProjectCopy(kubeconfig);
  copy.configure(stack, { environment: "dev" });
  const control = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => control.abort(new Error("the drill was interrupted")));
  const rows: Row[] = [];
  let whole = false;
  try {
    for (const point of chosen as Point[]) {
      console.error(`${points.indexOf(point) + 1} ${point.name}, ${point.end}:`);
      rows.push(await drill({ copy, config, before, stop: control.signal }, point));
    }
    whole = true;
  } catch (error) {
    const { row, message } = error as Error & { row?: Row };
    if (row) rows.push(row);
    console.error(`interrupt: ${message}\nThe stack and its state are kept in ${copy.folder}`);
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
