/** `obs smoke`: shows on a running stack that signals go in at one end and come out at the other. */
import { randomBytes } from "node:crypto";
import { kubeConfig } from "../../components/kube-config";
import { locate } from "../cluster";
import type { Check, Context } from "./check";
import { grafana } from "./grafana";
import { logs } from "./logs";
import { metrics } from "./metrics";
import { traces } from "./traces";

/** All checks, in the order in which they run. */
export const checks: Check[] = [...logs, ...metrics, ...traces, ...grafana];

/** What came of one check. */
export interface Result {
  name: string;
  passed: boolean;
  /** What was asked and what came back, or why it does not hold. */
  evidence: string;
  seconds: number;
}

/** Runs checks one after the other; a failed one does not keep the others from running. */
export async function runChecks(
  all: Check[],
  context: Context,
  tell: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, show } of all) {
    const start = Date.now();
    const outcome = await show(context).then(
      (evidence) => ({ passed: true, evidence }),
      (error: Error) => ({ passed: false, evidence: error.message }),
    );
    const result = { name, ...outcome, seconds: (Date.now() - start) / 1000 };
    results.push(result);
    tell(result);
  }
  return results;
}

/** @returns the exit code: 0 where everything holds */
export async function smoke(stack: string, json: boolean): Promise<number> {
  const { settings, environment } = await locate(stack);
  Object.assign(process.env, environment);
  const context = { settings, config: kubeConfig(settings), run: randomBytes(4).toString("hex") };
  const results = await runChecks(checks, context, ({ passed, name, evidence, seconds }) => {
    if (!json)
      console.log(`${passed ? "ok    " : "FAILED"} ${name} (${seconds.toFixed(1)} s)\n       ${evidence}`);
  });
  const passed = results.filter((result) => result.passed).length;
  if (json) console.log(JSON.stringify({ stack, passed, failed: results.length - passed, results }, null, 2));
  else console.log(`\n${passed} of ${results.length} hold`);
  return passed === results.length ? 0 : 1;
}
