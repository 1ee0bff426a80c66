/** What a check of the preflight is, and what it reports. */
import type { Problem, Settings } from "../../settings";
import type { Facts } from "./facts";

/** A conflict between the settings and the cluster. Each names the setting that resolves it. */
export interface Finding extends Problem {
  /** An error stops `preview` and `up` before anything changes. */
  severity: "error" | "warning";
  /** Whether `./obs doctor` calls a stack that runs with it unhealthy, although `up` only warns. */
  unhealthy?: true;
}

/** What a check works with. */
export interface Context<K extends keyof Facts = keyof Facts> {
  /** Name of the stack, for commands in messages. */
  stack: string;
  settings: Settings;
  /** The facts that the check needs; the others may be missing. */
  facts: Pick<Facts, K>;
}

/** One check. A file in `checks/` has one, and `checks/index.ts` lists it. */
export interface Check<K extends keyof Facts = keyof Facts> {
  /** What it checks, as a noun: "storage class". */
  name: string;
  /** The facts that it needs. If the cluster refuses one of them, a warning says that this was not checked. */
  needs: readonly K[];
  /** Whether data could be lost without this check, so that a fact that cannot be read is an error. */
  protectsData?: true;
  /** Whether there is anything to check with these settings. @default always */
  applies?(settings: Settings): boolean;
  /** @returns every conflict; none if all is well */
  find(context: Context<K>): Finding[];
  /** What `preview` says about the cluster even if all is well, a sentence each. */
  notes?(context: Context<K>): string[];
}

/** A finding that stops the run. */
export const error = (problem: Problem): Finding => ({ ...problem, severity: "error" });
/** A finding that is reported and does not stop the run. */
export const warning = (problem: Problem): Finding => ({ ...problem, severity: "warning" });
