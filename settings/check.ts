/** Rules that check several settings together, and the problems they return. */
import type { Settings } from "./schema";

/** One invalid setting. */
export interface Problem {
  path: string;
  /** Its value; undefined if it is not set. */
  was: unknown;
  /** The rule, as it reads after "must be"; begins with `nothing` if the setting must not be set. */
  allowed: string;
  /** The fix, if the setting is not part of the stack's configuration. */
  change?: string;
  /** Valid names, if the setting does not exist. */
  valid?: string[];
}

/** A rule; returns the problems it finds, or an empty list. */
export type Check = (settings: Settings) => Problem[];

/** A list of one problem if the rule is broken, otherwise an empty list. */
export const problem = (broken: boolean, path: string, was: unknown, allowed: string): Problem[] =>
  broken ? [{ path, was, allowed }] : [];
