/** The interface of a test of `obs smoke`, and what it works with. */
import type { Settings } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import type { until } from "../../lib/poll";
import type { View } from "./view";

/** A request, and its answer. */
export interface Evidence {
  asked: string;
  answer: string;
}

export const evidence = (asked: string, answer: string): Evidence => ({ asked, answer });

/** What every test works with. */
export interface Context extends Connection {
  /** The stack with the stores: this one, or the hub of an agent. */
  stores: Connection;
  /** Identifies this run's signals: letters and digits. */
  run: string;
  /** When the run began, epoch in milliseconds. */
  begun: number;
  /** Whether a component may be killed. */
  disruptive: boolean;
  /** The stores as Grafana sees them. */
  view: View;
  /** Interrupts the run. */
  stop: AbortSignal;
  until: typeof until;
}

/** One test. */
export interface Check {
  number: number;
  /** A statement that is true or not. */
  name: string;
  /** Numbers of the tests that it requires. */
  needs?: number[];
  /** Verifies it. @throws if it is not true, and {@link Skipped} if it cannot be tried */
  show(context: Context): Promise<Evidence[]>;
}

/** Skips a test that the stack of the hub has. */
export function skipAgents({ hub }: Settings): void {
  if (hub) throw new Skipped(`the hub has it: run ./obs smoke for ${hub.stack}`);
}

/** A test was not tried; its message says why. */
export class Skipped extends Error {}
