/** What a rule that joins several settings is, and how it says what is wrong. */
import type { Settings } from "./schema";

/** One wrong setting: where it stands, what it was, what is allowed. */
export interface Problem {
  path: string;
  was: unknown;
  allowed: string;
  /** How it is changed, where it does not stand in the stack's config. */
  change?: string;
}

/** A rule: what is wrong, nothing where all is well. */
export type Check = (settings: Settings) => Problem[];

/** One problem where something is broken. */
export const problem = (broken: boolean, path: string, was: unknown, allowed: string): Problem[] =>
  broken ? [{ path, was, allowed }] : [];
