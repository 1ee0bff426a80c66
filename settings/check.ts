/** What a rule that joins several settings is, and how it says what is wrong. */
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
  /** For a setting that does not exist: the settings that do. */
  valid?: string[];
}

/** A rule: what is wrong, nothing where all is well. */
export type Check = (settings: Settings) => Problem[];

/** One problem where something is broken. */
export const problem = (broken: boolean, path: string, was: unknown, allowed: string): Problem[] =>
  broken ? [{ path, was, allowed }] : [];
