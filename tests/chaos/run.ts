/**
 * Kills every component of a running stack in turn, and pauses those on the path of signals, under numbered lines,
 * samples and traces. Reports losses, delays and the time of full recovery for each.
 *
 * `OBS_TEST_STACK=<stack> npm run test:chaos [-- --help]`; docs/contributing/drills.md
 */
import { connect, requireConfirmation } from "../../cli/lib/cluster";
import { UserError } from "../../settings";
import { wholeAt } from "./account";
import { patience, seenAfter, until } from "./case";
import { findComponents, Harms, nameOf } from "./components";
import { expectationOf } from "./expectations";
import { newRun, removeLoad, startLoad } from "./load";
import { type Asked, planned, readAsked, usage } from "./plan";
import { type Case, readReport, tableText, withCase, writeReport } from "./report";
import { Watch } from "./watch";

/** How long signals must be undisturbed before the next fault, in milliseconds. */
const justNow = 15_000;

const tell = (line: string) => console.error(`chaos: ${line}`);

/**
 * Waits until all signals are found soon after they are written. @param since start of the period in which that must be
 * true
 */
async function calm(watch: Watch, since: number): Promise<void> {
  const isCalm = () => wholeAt(0, watch.looksSince(since)) !== undefined;
  if (!(await until(patience, isCalm)))
    throw new Error(
      `queries do not return signals soon after they are written: ${JSON.stringify(watch.reasons)}`,
    );
}

/** @returns the cases of this run and those in an existing report */
async function chaos(stack: string, asked: Asked): Promise<Case[]> {
  const begun = Date.now();
  const { settings, config } = await connect(stack);
  requireConfirmation(settings, asked.yes, "a drill kills every component of the stack");
  const harms = new Harms(config);
  const components = await findComponents(config);
  if (!components.length) throw new UserError(`stack ${stack} has no workloads on this cluster`);
  const unknown = components.map(nameOf).filter((name) => !expectationOf(name));
  if (unknown.length) throw new Error(`expectations.ts has no entry for ${unknown.join(", ")}`);
  for (const component of components)
    if (!(await harms.isWhole(component)))
      throw new UserError(`${nameOf(component)} is not ready: chaos needs a healthy stack at its start`);
  let cases = asked.report ? readReport(asked.report) : [];
  const todo = planned(components, asked, cases);
  const run = newRun();
  const watch = new Watch(config, run);
  /** Reverts all changes of this run; it can run more than once. */
  const cleanUp = async () => {
    await harms.putBack();
    await watch.end();
    await removeLoad(config);
  };
  const interrupted = () => {
    tell("interrupted: putting everything back");
    cleanUp()
      .catch((error: Error) => tell(error.message))
      .finally(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupted);
  try {
    tell(`run ${run}: ${todo.length} faults; waiting for signals in all stores`);
    await startLoad(config, settings, run);
    watch.start();
    await calm(watch, begun);
    for (const { component, harm } of todo) {
      if (Date.now() - begun > asked.budget * 1000) break;
      tell(`${harm} ${nameOf(component)}`);
      try {
        await calm(watch, Date.now() - justNow);
        const seen = await seenAfter({ config, harms, watch, pause: asked.pause }, component, harm);
        cases = withCase(cases, seen);
        if (asked.report) writeReport(asked.report, cases);
        for (const failure of seen.failures) tell(`  ${failure}`);
      } catch (error) {
        // The result of this component is unknown; the others are reported nevertheless.
        tell(`  ${(error as Error).message}`);
        process.exitCode = 1;
      }
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
  if (!stack)
    throw new UserError("OBS_TEST_STACK is not set (set it to a running stack for fault injection)");
  if (process.env["OBS_TEST_KUBECONFIG"]) process.env["KUBECONFIG"] = process.env["OBS_TEST_KUBECONFIG"];
  const cases = await chaos(stack, asked);
  console.log(tableText(cases));
  if (cases.some(({ failures }) => failures.length)) process.exitCode = 1;
}

main(process.argv.slice(2))
  .catch((error: Error) => {
    tell(error instanceof UserError ? error.message : (error.stack ?? error.message));
    process.exitCode = 2;
  })
  // A hanging connection must not keep this process alive.
  .finally(() => process.exit());
