/** The results of each component: judged, stored in a file, and shown as a table. Pure, except for the file. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { table } from "../../cli/lib/text";
import { type Signal, type SignalAccount, signals } from "./account";
import type { Expectation } from "./expectations";

export type Harm = "kill" | "pause";

/** The effects of one fault. Times are in seconds. */
export interface Case {
  /** `namespace/name` of the workload. */
  component: string;
  harm: Harm;
  /** Time, as ISO 8601. */
  at: string;
  /** Other pods with the same role during the fault. */
  left: number;
  /** Duration of the fault: that of a pause; nearly 0 for a kill. */
  held: number;
  /** From then until all pods were ready again; undefined after a timeout. */
  ready?: number;
  /** From then until all written items are found again; undefined after a timeout. */
  whole?: number;
  signals: Record<Signal, SignalAccount>;
  /** Unexpected results. */
  failures: string[];
}

/** Display names of the signals. */
const words: Record<Signal, string> = {
  lines: "log lines",
  samples: "samples (Alloy)",
  written: "samples (Prometheus)",
  traces: "traces",
};

/** Seconds without a response that a busy machine may cause on its own. */
const slack = 20;

/**
 * Unexpected results of a case; empty if there are none.
 *
 * @param interval seconds between two scrapes
 */
export function judge(
  { loses = {}, unanswered = [] }: Expectation,
  { left, held, ready, whole, signals: seen }: Omit<Case, "failures">,
  interval: number,
): string[] {
  const failures = signals.flatMap((signal) => {
    const { lost, gaveUp, which, doubled, gap, outage } = seen[signal];
    const allowed = left === 0 ? loses[signal] : undefined;
    const said: string[] = [];
    if (gap !== undefined) {
      const most = allowed ? held + (ready ?? Infinity) + allowed.atMost : 2 * interval - 1;
      if (gap > most)
        said.push(`${words[signal]}: ${gap.toFixed(0)} s without one, at most ${most.toFixed(0)} s expected`);
    } else if (lost > (allowed?.atMost ?? 0))
      said.push(
        `${words[signal]}: ${lost} lost (${which.join(", ")}${lost > which.length ? ", …" : ""}), ${gaveUp ? `${gaveUp} of them dropped by the sender, ` : ""}at most ${allowed?.atMost ?? 0} expected`,
      );
    if (doubled) said.push(`${words[signal]}: ${doubled} are there more than once`);
    if (left > 0 || !unanswered.includes(signal)) {
      if (outage > slack)
        said.push(`${words[signal]}: queries failed for ${outage.toFixed(0)} s, but should not fail`);
    }
    return said;
  });
  if (ready === undefined) failures.unshift("not ready again in time");
  else if (whole === undefined) failures.unshift("did not recover in time");
  return failures;
}

const seconds = (value: number | undefined) => (value === undefined ? "never" : `${value.toFixed(0)} s`);
/** A loss; 0 is shown as a dash, so that losses stand out. */
const count = (value: number) => (value ? String(value) : "-");

/** The table for people: losses, delays, and the time of full recovery. */
export function tableText(cases: Case[]): string {
  const heading = ["component", "fault", "ready", "recovered", "lost: lines", "samples", "written", "traces"];
  const late = ["latest: lines", "samples", "written", "traces"];
  const silent = ["no answer: logs", "metrics", "traces", "as expected"];
  const rows = cases.map(({ component, harm, ready, whole, signals: seen, failures }) => [
    ...[component, harm, seconds(ready), seconds(whole)],
    ...signals.map((signal) => count(seen[signal].lost)),
    ...signals.map((signal) => seconds(seen[signal].latest)),
    seconds(seen.lines.outage),
    seconds(Math.max(seen.samples.outage, seen.written.outage)),
    seconds(seen.traces.outage),
    failures.length ? "NO" : "yes",
  ]);
  const wrong = cases.flatMap(({ component, harm, failures }) =>
    failures.map((failure) => `${component}, ${harm}: ${failure}`),
  );
  return [table([[...heading, ...late, ...silent], ...rows]), ...wrong].join("\n");
}

/** The cases of a report; empty if the file does not exist. */
export const readReport = (file: string): Case[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")).cases as Case[]) : [];

/** A report with another case; one of the same component and fault is replaced. */
export const withCase = (cases: Case[], one: Case): Case[] =>
  [...cases.filter(({ component, harm }) => component !== one.component || harm !== one.harm), one].sort(
    (a, b) => a.component.localeCompare(b.component) || a.harm.localeCompare(b.harm),
  );

/** Writes a report. */
export const writeReport = (file: string, cases: Case[]): void =>
  writeFileSync(file, `${JSON.stringify({ cases }, null, 2)}\n`);
