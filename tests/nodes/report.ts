/** The costs of events: judged, stored in a file, and shown as a table. Pure, except for the file. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type Store, stores } from "../../names";
import type { Cost } from "./account";

/** The effects of one event. Times are in seconds. */
export interface Case {
  /** Name of the event. */
  event: string;
  /** Start time, as ISO 8601. */
  at: string;
  /** From the start to the end of the event: power is restored, the drain is complete, the command exited. */
  held: number;
  /** From then until all pods are ready, rings healthy, and queries have succeeded for 30 s; undefined after a timeout. */
  whole?: number;
  cost: Cost;
  /** Whether the stores responded to the comparison with the records. */
  compared: boolean;
  /** Whether data was still missing at the deadline. */
  open?: true;
  /** Other observations. */
  notes: string[];
  /** Targets that were missed. */
  missed: string[];
}

/** Maximum seconds of failed queries after a sudden loss. */
const outageAllowed = 15;

const count = (value: number, of: string) => `${value} ${of}${value === 1 ? "" : "s"}`;

/**
 * Targets that an event missed.
 *
 * @param all whether all nodes were lost, so that nothing could respond
 * @param compared whether the stores responded to the comparison
 * @param stopped a store that the event stops
 */
export function judge(
  cost: Cost,
  whole: number | undefined,
  { all, compared, stopped }: { all: boolean; compared: boolean; stopped?: Store },
): string[] {
  const { lines, samples, spans, failedWrites, queries } = cost;
  const gone = [
    ...(lines.lost ? [`${count(lines.lost, "line")} lost`] : []),
    ...(lines.duplicated ? [`${count(lines.duplicated, "line")} duplicated`] : []),
    ...(samples.alloy && !all ? [`${count(samples.alloy, "sample")} missing (Alloy)`] : []),
    ...(samples.prometheus && !all ? [`${count(samples.prometheus, "sample")} missing (Prometheus)`] : []),
    ...(spans.lost ? [`${count(spans.lost, "span")} lost`] : []),
  ];
  return [
    ...(whole === undefined ? ["did not recover in time"] : []),
    ...(compared ? gone : ["data was not compared"]),
    ...(["alloy", ...stores] as const)
      .filter((to) => failedWrites[to] && to !== stopped)
      .map((to) => `${count(failedWrites[to], "write")} to ${to} failed`),
    ...stores
      .filter((store) => !all && store !== stopped && queries[store].outage > outageAllowed)
      .map((store) => `queries of ${store} failed for ${queries[store].outage.toFixed(0)} s`),
  ];
}

const number = (value: number) => (value ? String(value) : "-");
const seconds = (value: number | undefined) => (value === undefined ? "never" : `${value.toFixed(0)} s`);
const row = (cells: string[]) => `| ${cells.join(" | ")} |`;

/** The Markdown table, and the missed targets and notes below it. */
export function tableText(cases: Case[]): string {
  const heading = [
    ...["event", "duration", "recovery", "load", "lines lost / duplicated / written"],
    ...["samples missing: Alloy", "Prometheus", "spans lost / unsent / accepted"],
    ...[
      "failed writes: Alloy / Loki / Mimir / Tempo",
      "failed queries (longest outage): Loki",
      "Mimir",
      "Tempo",
    ],
  ];
  const rows = cases.map(({ event, held, whole, cost, compared }) => {
    const { lines, samples, spans, failedWrites, queries } = cost;
    const found = (value: number) => (compared ? number(value) : "?");
    return [
      ...[event, seconds(held), seconds(whole), cost.load.toFixed(0)],
      `${found(lines.lost)} / ${found(lines.duplicated)} / ${lines.written}`,
      ...[found(samples.alloy), found(samples.prometheus)],
      `${found(spans.lost)} / ${number(spans.unsent)} / ${spans.accepted}`,
      (["alloy", ...stores] as const).map((to) => number(failedWrites[to])).join(" / "),
      ...stores.map((store) => {
        const { asked, failed, outage } = queries[store];
        return failed ? `${failed} of ${asked} (${seconds(outage)})` : `- of ${asked}`;
      }),
    ];
  });
  const below = cases.flatMap(({ event, cost, compared, missed, notes }) => [
    ...missed.map((one) => `- ${event}: MISSED ${one}`),
    ...notes.map((one) => `- ${event}: ${one}`),
    ...Object.entries(cost.reasons)
      .filter(([reason]) => compared || !reason.startsWith("line of "))
      .map(([reason, times]) => `- ${event}: ${times} × ${reason}`),
    ...Object.entries(cost.lostTargets)
      .filter(([, { alloy, prometheus }]) => compared && (alloy || prometheus))
      .map(
        ([node, { alloy, prometheus }]) =>
          `- ${event}: the target on ${node} lacks ${alloy} samples of Alloy, ${prometheus} of Prometheus`,
      ),
  ]);
  const table = [heading, heading.map(() => "---"), ...rows].map(row).join("\n");
  return below.length ? `${table}\n\n${below.join("\n")}` : table;
}

/** The cases of a report; empty if the file does not exist. */
export const readReport = (file: string): Case[] =>
  existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")).cases as Case[]).map((one) => ({
        ...one,
        compared: one.compared ?? true,
      }))
    : [];

/** A report with another case, which replaces an earlier one of the same event. */
export const withCase = (cases: Case[], one: Case): Case[] => [
  ...cases.filter(({ event }) => event !== one.event),
  one,
];

/** Writes a report, and its table next to it. */
export function writeReport(file: string, cases: Case[]): void {
  writeFileSync(file, `${JSON.stringify({ cases }, null, 2)}\n`);
  writeFileSync(`${file.replace(/\.json$/, "")}.md`, `${tableText(cases)}\n`);
}
