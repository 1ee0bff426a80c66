/** Types of the preflight's checks and their findings. */
import type { Problem, Settings } from "../../settings";
import type { Facts } from "./facts";

/** A conflict between the settings and the cluster. Each names the setting that resolves it. */
export interface Finding extends Problem {
  /** An error stops `preview` and `up` before anything changes. */
  severity: "error" | "warning";
  /** Whether `./obs doctor` reports a running stack with this finding as unhealthy, although `up` only warns. */
  unhealthy?: true;
  /** Whether `preview` only warns of an error, because its cause ends without another setting. */
  temporary?: true;
}

/** Input of a check. */
interface Context<K extends keyof Facts = keyof Facts> {
  /** Name of the stack, for commands in messages. */
  stack: string;
  settings: Settings;
  /** The facts that the check needs; others may be missing. */
  facts: Pick<Facts, K>;
}

/** A check. Each file in `checks/` has one, and `checks/index.ts` lists it. */
export interface Check<K extends keyof Facts = keyof Facts> {
  /** What it checks, as a noun: "storage class". */
  name: string;
  /** The facts that it needs. If one of them cannot be read, a warning reports that the check was skipped. */
  needs: readonly K[];
  /** Whether data could be lost without this check, so that an unreadable fact is an error. */
  protectsData?: true;
  /** Whether the check applies to these settings. @default always */
  applies?(settings: Settings): boolean;
  /** @returns every conflict; empty if there are none */
  find(context: Context<K>): Finding[];
  /** Sentences about the cluster that `preview` prints even if there are no findings. */
  notes?(context: Context<K>): string[];
}

/** A finding that stops the run. */
export const error = (problem: Problem): Finding => ({ ...problem, severity: "error" });
/** A finding that is reported and does not stop the run. */
export const warning = (problem: Problem): Finding => ({ ...problem, severity: "warning" });
