/** What a test of `obs smoke` is, and what it works with. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Settings } from "../../../settings";
import type { View } from "./view";

/** What was asked, and what came back. */
export interface Evidence {
  asked: string;
  answer: string;
}

/** What every test works with. */
export interface Context {
  settings: Settings;
  config: KubeConfig;
  /** Tells this run's signals from those of others: letters and digits. */
  run: string;
  /** When the run began, in milliseconds since 1970. */
  begun: number;
  /** Whether a component may be killed. */
  disruptive: boolean;
  /** The stores as Grafana sees them. */
  view: View;
  /** Breaks the run off. */
  stop: AbortSignal;
  /** Asks until the answer is there, at most `seconds`, and says what is waited for. */
  until: typeof until;
}

/** One of the ten. */
export interface Check {
  /** Its place in the lab's list. */
  number: number;
  /** What is shown, as a statement that holds or does not. */
  name: string;
  /** Numbers of those without which it cannot hold. */
  needs?: number[];
  /** Shows it. @throws where it does not hold, and {@link Skipped} where it was not to be tried */
  show(context: Context): Promise<Evidence[]>;
}

/** A test was not tried; its message says why. */
export class Skipped extends Error {}

/**
 * Asks until the answer is there, at most `seconds`.
 *
 * @param stop ends it early
 * @throws the last error, or that nothing was there
 */
export async function until<T>(
  seconds: number,
  what: string,
  answer: () => Promise<T | undefined>,
  stop?: AbortSignal,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    stop?.throwIfAborted();
    const found = await answer().catch((error: Error) => error);
    if (found !== undefined && !(found instanceof Error)) return found;
    if (Date.now() > deadline) throw found ?? new Error(`${what} was not there after ${seconds} s`);
    await wait(1000);
  }
}
