/** Interface of a benchmark, and its input. */
import type { KubeConfig } from "@kubernetes/client-node";
import { Skipped } from "../cli/commands/smoke/check";
import type { Settings } from "../settings";

export { Skipped };

/** A running stack. */
export interface RunningStack {
  stack: string;
  settings: Settings;
  config: KubeConfig;
}

/** Input of a benchmark. */
export interface Bench {
  /** Number of measurements of each figure. */
  repetitions: number;
  /** Duration of a continuous measurement, in seconds. */
  seconds: number;
  /** Multiple of the usual amount of data. */
  scale: number;
  /** A file with settings to measure, in addition to dev's and prod's own. */
  with: string | undefined;
  /** Allows load on a prod stack. */
  yes: boolean;
  /** Interrupts it. */
  stop: AbortSignal;
  /** Receives progress, a line at a time. */
  tell(line: string): void;
  /** The stack in OBS_TEST_STACK. @throws Skipped if it is not set */
  running(): Promise<RunningStack>;
}

/** A table; the first column names the subject of each row. */
export interface Table {
  title: string;
  head: string[];
  rows: string[][];
}

/** The result of a benchmark. */
export interface Result {
  tables: Table[];
  /** Sentences below the tables: goals and other observations. */
  notes: string[];
  /** A sentence for each skipped part, with the reason. */
  skipped: string[];
  /** All measured numbers, for `--json`. */
  measured: unknown;
}

/** A benchmark. Each file in `benchmarks/` exports one as `benchmark`, and is found automatically. */
export interface Benchmark {
  /** Its name on the command line: `npm run bench -- <name>`. */
  name: string;
  /** What it measures, in a line. */
  what: string;
  /** @throws {@link Skipped} before any change, if it cannot be measured here */
  measure(bench: Bench): Promise<Result>;
}

/** The environment variable that names the running stack. */
export const stackVariable = "OBS_TEST_STACK";

/** An environment variable. @throws Skipped if it is not set @param why its purpose */
export function variable(name: string, why: string): string {
  const value = process.env[name];
  if (!value) throw new Skipped(`${name} is not set: ${why}`);
  return value;
}
