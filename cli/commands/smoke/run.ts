/** Runs the ten tests one after the other, says how far it is, and what came of each. */
import { type Check, type Context, type Evidence, Skipped, until } from "./check";

/** What came of one test. */
export interface Result {
  number: number;
  name: string;
  state: "passed" | "failed" | "skipped";
  /** What was asked and what came back. */
  evidence: Evidence[];
  /** Why it failed or was skipped. */
  reason?: string;
  seconds: number;
}

/** Who is told how a run goes. */
export interface Listener {
  /** A test runs, now for that long, and waits for something. Called when it begins and again and again. */
  waiting(check: Check, seconds: number, what: string): void;
  ended(result: Result): void;
}

/** Between two words on what is waited for. Milliseconds. */
const period = 10_000;

/** Never resolves; rejects with the reason when a run is interrupted. */
function interruption(stop: AbortSignal): Promise<never> {
  const interrupted = new Promise<never>((_, fail) => {
    if (stop.aborted) fail(stop.reason);
    stop.addEventListener("abort", () => fail(stop.reason), { once: true });
  });
  // Between two tests nothing waits for it.
  interrupted.catch(() => undefined);
  return interrupted;
}

/**
 * Runs tests one after the other. A failed one keeps only those from running that need it.
 *
 * @returns what came of each, also for those that were not tried
 * @throws the reason where the run was broken off
 */
export async function runChecks(
  all: Check[],
  context: Omit<Context, "until">,
  listener: Listener,
): Promise<Result[]> {
  const results: Result[] = [];
  const { stop } = context;
  const interrupted = interruption(stop);
  for (const check of all) {
    stop.throwIfAborted();
    const { number, name, needs = [] } = check;
    const start = Date.now();
    const seconds = () => (Date.now() - start) / 1000;
    let what = "";
    const told: typeof until = (limit, wanted, answer) => {
      what = wanted;
      return until(limit, wanted, answer, stop);
    };
    const missing = needs.filter((need) => results.find((one) => one.number === need)?.state === "failed");
    listener.waiting(check, 0, what);
    const timer = setInterval(() => listener.waiting(check, seconds(), what), period);
    const outcome: Pick<Result, "state" | "evidence" | "reason"> = await (missing.length
      ? Promise.reject(new Error(`not tried, because test ${missing.join(" and ")} failed`))
      : Promise.race([check.show({ ...context, until: told }), interrupted])
    )
      .then(
        (evidence) => ({ state: "passed" as const, evidence }),
        (error: Error) => ({
          state: error instanceof Skipped ? ("skipped" as const) : ("failed" as const),
          evidence: [],
          reason: error.message,
        }),
      )
      .finally(() => clearInterval(timer));
    stop.throwIfAborted();
    const result: Result = { number, name, ...outcome, seconds: Number(seconds().toFixed(1)) };
    results.push(result);
    listener.ended(result);
  }
  return results;
}

/** A result for people: its line, and below it the evidence. */
export function resultText({ number, name, state, evidence, reason, seconds }: Result, all: number): string {
  const mark = { passed: "ok", failed: "FAILED", skipped: "skipped" }[state];
  const head = `${mark.padEnd(7)} ${String(number).padStart(2)}/${all} ${name} (${seconds.toFixed(1)} s)`;
  return [
    head,
    ...(reason ? [reason] : []),
    ...evidence.map(({ asked, answer }) => `${asked}\n  → ${answer}`),
  ]
    .join("\n")
    .replaceAll("\n", "\n        ");
}

/** How many there are of each state, in one line. */
export function summaryText(results: Result[]): string {
  const count = (state: Result["state"]) => results.filter((one) => one.state === state).length;
  const rest = [
    ...(count("failed") ? [`${count("failed")} failed`] : []),
    ...(count("skipped") ? [`${count("skipped")} skipped`] : []),
  ];
  return [`${count("passed")} of ${results.length} passed`, ...rest].join(", ");
}
