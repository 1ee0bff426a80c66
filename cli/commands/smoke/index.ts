/** `obs smoke`: end-to-end tests against a running stack. */
import { randomBytes } from "node:crypto";
import { prefixLabels, smokeTest } from "../../../names";
import { withAbort } from "../../lib/abort";
import { type Connection, connect } from "../../lib/cluster";
import { inNamespace } from "../../lib/namespace";
import { agents } from "./agents";
import { alert } from "./alert";
import { application, signals } from "./app";
import type { Check, Context } from "./check";
import { logsOfTrace, serviceGraph } from "./correlate";
import { enforcement } from "./enforcement";
import { healing } from "./heal";
import { logs } from "./logs";
import { metrics } from "./metrics";
import { retention } from "./retention";
import { countsOf, type Listener, type Result, resultText, runChecks, summaryText } from "./run";
import { storesOf } from "./stores";
import { traces } from "./traces";
import { withView } from "./view";

/** All tests, in the order in which they run. */
export const checks: Check[] = [
  ...[application, signals, logs, metrics, traces, logsOfTrace],
  ...[serviceGraph, alert, retention, healing, enforcement, agents],
];

/** The address of a cluster. */
const server = ({ config }: Connection) => config.getCurrentCluster()?.server;

/**
 * Creates the namespace, for an agent also at its hub, runs the tests, and deletes the namespace, also if the run is
 * interrupted.
 *
 * @param tell receives messages about the namespace
 * @throws UserError if another run is active, and the reason of an interruption
 */
export const smokeTests = (
  given: Pick<Context, "config" | "settings" | "stores" | "disruptive" | "stop">,
  listener: Listener,
  tell: (line: string) => void,
): Promise<Result[]> => {
  const { stores } = given;
  return withView(stores, (view) => {
    const all = () => {
      const run = { view, run: randomBytes(4).toString("hex"), begun: Date.now() };
      return runChecks(checks, { ...given, ...run }, listener);
    };
    const at = (place: Connection, action: typeof all) =>
      inNamespace(place, { name: smokeTest.namespace, labels: prefixLabels(place.settings) }, tell, action);
    return at(given, () => (server(stores) === server(given) ? all() : at(stores, all)));
  });
};

/** @returns the exit code: 1 if a test failed; skipped tests do not count */
export async function smoke(
  stack: string,
  { json, disruptive = false }: { json?: boolean; disruptive?: boolean },
): Promise<number> {
  const { settings, config } = await connect(stack);
  const stores = await storesOf(stack, { settings, config });
  const tell = (line: string) => console.error(`obs: ${line}`);
  const listener: Listener = {
    waiting({ number, name }, seconds, what) {
      const state = what ? `waiting for ${what}` : "in progress";
      tell(`${number}/${checks.length} ${name}${seconds ? `: ${seconds.toFixed(0)} s, ${state}` : " …"}`);
    },
    ended(result) {
      if (!json) console.log(resultText(result, checks.length));
    },
  };
  const results = await withAbort("the smoke test", (stop) =>
    smokeTests({ config, settings, stores, disruptive, stop }, listener, tell),
  );
  const counts = countsOf(results);
  console.log(json ? JSON.stringify({ stack, ...counts, results }, null, 2) : `\n${summaryText(results)}`);
  return counts.failed ? 1 : 0;
}
