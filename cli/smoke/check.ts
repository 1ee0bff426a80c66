/** What a check of `obs smoke` is, and what it works with. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Settings } from "../../settings";

export interface Context {
  settings: Settings;
  config: KubeConfig;
  /** Tells this run's signals from those of others: letters and digits. */
  run: string;
}

export interface Check {
  /** What is shown, as a statement that holds or does not. */
  name: string;
  /** Shows it. @returns the evidence: what was asked and what came back @throws where it does not hold */
  show(context: Context): Promise<string>;
}

/** Asks until the answer is there, at most `seconds`. @throws the last error, or that nothing was there */
export async function until<T>(
  seconds: number,
  what: string,
  answer: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await answer().catch((error: Error) => error);
    if (found !== undefined && !(found instanceof Error)) return found;
    if (Date.now() > deadline) throw found ?? new Error(`${what} was not there after ${seconds} s`);
    await wait(1000);
  }
}
