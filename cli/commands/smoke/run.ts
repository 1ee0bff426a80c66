/** Runs the tests one after the other, and reports progress and results. */
import { once } from "node:events";
import { until } from "../../lib/poll";
import { type Check, type Context, type Evidence, Skipped } from "./check";

/** The result of one test. */
export interface Result {
  number: number;
  name: string;
  state: "passed" | "failed" | "skipped";
  evidence: Evidence[];
  /** Why it failed or was skipped. */
  reason?: string;
  seconds: number;
}

/** Follows a run. */
export interface Listener {
  /** A test has run for some seconds, and waits for something. Called when it begins and every ten seconds. */
  waiting(check: Check, seconds: number, what: string): void;
  ended(result: Result): void;
}

/** Milliseconds between two reports of a test that runs. */
const period = 10_000;

/**
 * Runs tests one after the other. A failed test keeps only those from running that require it.
 *
 * @throws the reason of an interruption
 */
export async function runChecks(
  all: Check[],
  context: Omit<Context, "until">,
  listener: Listener,
): Promise<Result[]> {
  const results: Result[] = [];
  const { stop } = context;
  const interrupted = once(stop, "abort").then((): never => {
    throw stop.reason;
  });
  // Between two tests nothing waits for it.
  interrupted.catch(() => undefined);
  for (const check of all) {
    stop.throwIfAborted();
    const { number, name, needs = [] } = check;
    const start = Date.now();
    const seconds = () => (Date.now() - start) / 1000;
    let what = "";
    const reported: typeof until = (limit, wanted, answer) => {
      what = wanted;
      return until(limit, wanted, answer, stop);
    };
    const failed = needs.filter((need) => results.find((one) => one.number === need)?.state === "failed");
    listener.waiting(check, 0, what);
    const timer = setInterval(() => listener.waiting(check, seconds(), what), period);
    let outcome: Pick<Result, "state" | "evidence" | "reason">;
    try {
      if (failed.length) throw new Error(`not tried, because test ${failed.join(" and ")} failed`);
      const evidence = await Promise.race([check.show({ ...context, until: reported }), interrupted]);
      outcome = { state: "passed", evidence };
    } catch (error) {
      const state = error instanceof Skipped ? "skipped" : "failed";
      outcome = { state, evidence: [], reason: (error as Error).message };
    } finally {
      clearInterval(timer);
    }
    stop.throwIfAborted();
    const result: Result = { number, name, ...outcome, seconds: Number(seconds().toFixed(1)) };
    results.push(result);
    listener.ended(result);
  }
  return results;
}

/** A result as text: a line, and below it the evidence. */
export function resultText({ number, name, state, evidence, reason, seconds }: Result, all: number): string {
  const mark = { passed: "ok", failed: "FAILED", skipped: "skipped" }[state];
  const head = `${mark.padEnd(7)} ${String(number).padStart(2)}/${all} ${name} (${seconds.toFixed(1)} s)`;
  const answers = evidence.map(({ asked, answer }) => `${asked}\n  → ${answer}`);
  return [head, ...(reason ? [reason] : []), ...answers].join("\n").replaceAll("\n", "\n        ");
}

/** Numbers of tests by state. */
export function countsOf(results: Result[]): Record<Result["state"], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { state } of results) counts[state]++;
  return counts;
}

/** The counts in one line. */
export function summaryText(results: Result[]): string {
  const { passed, failed, skipped } = countsOf(results);
  const rest = [failed && `${failed} failed`, skipped && `${skipped} skipped`].filter(Boolean);
  return [`${passed} of ${results.length} passed`, ...rest].join(", ");
}
