/**
 * Node drills: take away nodes, zones, workloads and volumes of a running stack under a steady load.
 *
 * `OBS_TEST_STACK=<stack> npm run test:nodes [-- --help]`; docs/contributing/drills.md
 */
import { connect, requireConfirmation } from "../../cli/lib/cluster";
import { until } from "../../cli/lib/poll";
import { UserError } from "../../settings";
import { newRun, removeLoad } from "../chaos/load";
import { drilled, type Outcome, type Scene } from "./case";
import { Cluster } from "./cluster";
import { areScraped, askIn } from "./found";
import { Harm, interruptCommands } from "./harm";
import { troubles } from "./health";
import { drills, loadOn, startWriters } from "./load";
import { type Asked, eventsOf, planned, readAsked, usage } from "./plan";
import { type Case, readReport, tableText, withCase, writeReport } from "./report";
import { Writers } from "./writers";

const tell = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} nodes: ${line}`);

/** @returns the cases of this run and those in an existing report */
async function run(stack: string, asked: Asked): Promise<Case[]> {
  const begun = Date.now();
  const { settings, config } = await connect(stack);
  requireConfirmation(settings, asked.yes, "a drill takes nodes and workloads away");
  const cluster = new Cluster(config);
  const nodes = await cluster.nodes();
  if (nodes.length < 2) throw new UserError(`the cluster has ${nodes.length} node (drills need 2 or more)`);
  const unknown = asked.writers.filter((writer) => !nodes.some(({ name }) => name === writer));
  if (unknown.length) throw new UserError(`--writer: no node is called ${unknown.join(", ")}`);
  const names = asked.writers.length ? asked.writers : nodes.map(({ name }) => name);
  let cases = asked.report ? readReport(asked.report) : [];
  const { todo, skipped } = planned(eventsOf(nodes), asked, cases);
  for (const { event, lacks } of skipped) tell(`${event.name} skipped: ${lacks.join(" and ")} not given`);
  const load = loadOn(names.length, asked.lines, asked.spans);
  const writers = new Writers(config, load);
  const harm = new Harm(cluster, asked.commands, asked);
  const id = newRun();
  const scene: Scene = {
    ask: askIn(config),
    troubles: () => troubles(stack, settings, config, asked.ignore),
    load,
    run: id,
    writers,
    harm,
    patience: asked.patience,
    limit: asked.limit,
    tell,
  };
  /** Reverts all changes of this run; safe to repeat. */
  const cleanUp = async () => {
    await harm.putBack();
    await writers.end();
    await removeLoad(config, load);
  };
  const interrupted = () => {
    tell("interrupted: putting everything back");
    interruptCommands();
    cleanUp()
      .catch((error: Error) => tell(error.message))
      .finally(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  try {
    tell(`run ${id}: ${todo.length} events, writers on ${names.join(", ")}; namespace ${drills.namespace}`);
    await startWriters(config, settings, load, { run: id, nodes: names });
    await writers.start(names);
    await until(asked.patience, "scrape of every writer", () => areScraped(scene, names.length));
    const keep = (seen: Case) => {
      cases = withCase(cases, seen);
      if (asked.report) writeReport(asked.report, cases);
      for (const one of seen.missed) tell(`  MISSED ${one}`);
    };
    const open: Outcome[] = [];
    for (const event of todo) {
      if (Date.now() - begun > asked.budget * 1000) break;
      try {
        const outcome = await drilled(scene, event);
        keep(outcome.seen);
        if (outcome.again) open.push(outcome);
      } catch (error) {
        tell(`  ${event.name}: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    }
    for (const { seen, again } of open) {
      tell(`${seen.event}: counting missing data again`);
      if (again) keep(await again());
    }
  } finally {
    await cleanUp();
  }
  return cases;
}

async function main(args: string[]): Promise<void> {
  const asked = readAsked(args);
  if (asked.help) return console.log(usage);
  const stack = process.env["OBS_TEST_STACK"];
  if (!stack) throw new UserError("OBS_TEST_STACK is not set (set it to a running stack for the drills)");
  if (process.env["OBS_TEST_KUBECONFIG"]) process.env["KUBECONFIG"] = process.env["OBS_TEST_KUBECONFIG"];
  const cases = await run(stack, asked);
  console.log(asked.json ? JSON.stringify({ cases }, null, 2) : tableText(cases));
  if (cases.some(({ missed }) => missed.length)) process.exitCode = 1;
}

main(process.argv.slice(2))
  .catch((error: Error) => {
    tell(error instanceof UserError ? error.message : (error.stack ?? error.message));
    process.exitCode = 2;
  })
  // A hanging connection must not keep this process alive.
  .finally(() => process.exit());
