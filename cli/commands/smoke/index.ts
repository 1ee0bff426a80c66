/** `obs smoke`: end-to-end tests against a running stack. */
import { randomBytes } from "node:crypto";
import { UserError } from "../../../settings";
import { withAbort } from "../../lib/abort";
import { connect } from "../../lib/cluster";
import { alert } from "./alert";
import { application } from "./app";
import type { Check, Context } from "./check";
import { correlation } from "./correlate";
import { enforcement } from "./enforcement";
import { healing } from "./heal";
import { logs } from "./logs";
import { metrics } from "./metrics";
import { inNamespace } from "./namespace";
import { retention } from "./retention";
import { type Listener, type Result, resultText, runChecks, summaryText } from "./run";
import { traces } from "./traces";
import { withView } from "./view";

/** All tests, in the order in which they run. */
export const checks: Check[] = [
  ...application,
  ...logs,
  ...metrics,
  ...traces,
  ...correlation,
  ...alert,
  ...retention,
  ...healing,
  ...enforcement,
];

/** Options of the command line. */
export interface SmokeOptions {
  json?: boolean;
  /** Whether a component may be killed. */
  disruptive?: boolean;
}

/**
 * Creates the namespace, runs the tests, and deletes the namespace, also if the run is interrupted.
 *
 * @param tell is told what happens besides the tests
 * @throws UserError where another run lives, and the reason where it was broken off
 */
export const smokeTests = (
  { config, settings, disruptive, stop }: Pick<Context, "config" | "settings" | "disruptive" | "stop">,
  listener: Listener,
  tell: (line: string) => void,
): Promise<Result[]> =>
  withView(config, settings, (view) =>
    inNamespace(config, settings, tell, () =>
      runChecks(
        checks,
        { config, settings, disruptive, stop, view, run: randomBytes(4).toString("hex"), begun: Date.now() },
        listener,
      ),
    ),
  );

/** @returns the exit code: 0 where nothing failed; what was skipped did not fail */
export async function smoke(stack: string, { json, disruptive = false }: SmokeOptions): Promise<number> {
  const { settings, config } = await connect(stack);
  if (settings.hub)
    throw new UserError(
      `stack ${stack} has no stores to test: it sends to ${settings.hub.stack}. Run ./obs doctor ${stack}, and ./obs smoke on the stack of the hub`,
    );
  const tell = (line: string) => console.error(`obs: ${line}`);
  const listener: Listener = {
    waiting: ({ number, name }, seconds, what) =>
      tell(
        `${number}/${checks.length} ${name}${seconds ? `: ${seconds.toFixed(0)} s, ${what ? `waiting for ${what}` : "at work"}` : " …"}`,
      ),
    ended: (result) => {
      if (!json) console.log(resultText(result, checks.length));
    },
  };
  const results = await withAbort("the smoke test", (stop) =>
    smokeTests({ config, settings, disruptive, stop }, listener, tell),
  );
  const count = (state: Result["state"]) => results.filter((one) => one.state === state).length;
  const counts = { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
  console.log(json ? JSON.stringify({ stack, ...counts, results }, null, 2) : `\n${summaryText(results)}`);
  return counts.failed ? 1 : 0;
}
