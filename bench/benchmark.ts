/** What a benchmark is, and what it works with. */
import type { KubeConfig } from "@kubernetes/client-node";
import { Skipped } from "../cli/commands/smoke/check";
import type { Settings } from "../settings";

export { Skipped };

/** A stack that runs. */
export interface RunningStack {
  stack: string;
  settings: Settings;
  config: KubeConfig;
}

/** What a benchmark works with. */
export interface Bench {
  /** How often each thing is measured. */
  repetitions: number;
  /** Seconds that a measurement of something that goes on lasts. */
  seconds: number;
  /** Share or multiple of the usual amount of data. */
  scale: number;
  /** A file with settings to measure, in addition to dev's and prod's own. */
  with: string | undefined;
  /** Loads a prod stack, too. */
  yes: boolean;
  /** Breaks it off. */
  stop: AbortSignal;
  /** Told how far it is, a line each. */
  tell(line: string): void;
  /** The stack of OBS_TEST_STACK. @throws Skipped where none is named */
  running(): Promise<RunningStack>;
}

/** A table; the first column names what the row is of. */
export interface Table {
  title: string;
  head: string[];
  rows: string[][];
}

/** What came of a benchmark. */
export interface Result {
  tables: Table[];
  /** Sentences below the tables: goals and other observations. */
  notes: string[];
  /** What of it was left out, and why, a sentence each. */
  skipped: string[];
  /** All numbers as they were measured, for `--json`. */
  measured: unknown;
}

/** One benchmark. A file in `benchmarks/` exports one as `benchmark`, and is run because it is there. */
export interface Benchmark {
  /** By which it is asked for: `npm run bench -- <name>`. */
  name: string;
  /** What it measures, in a line. */
  what: string;
  /** @throws {@link Skipped} where it cannot be measured here; nothing is changed then */
  measure(bench: Bench): Promise<Result>;
}

/** The environment variable that names the running stack. */
export const stackVariable = "OBS_TEST_STACK";

/** An environment variable. @throws Skipped if it is not set @param why what it is for */
export function variable(name: string, why: string): string {
  const value = process.env[name];
  if (!value) throw new Skipped(`${name} is not set: ${why}`);
  return value;
}
