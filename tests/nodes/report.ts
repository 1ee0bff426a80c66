/** What the events cost: judged, kept in a file, and shown as a table. All but the file is pure. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { stores } from "../../names";
import type { Cost } from "./account";

/** What one event did. Times are seconds. */
export interface Case {
  /** Name of the event. */
  event: string;
  /** When it began, as ISO 8601. */
  at: string;
  /** From its beginning until the harm was over: power is back, the drain is done, the command ended. */
  held: number;
  /** From then until all pods are ready, rings healthy, and queries answered for 30 s; undefined where that took too long. */
  whole?: number;
  cost: Cost;
  /** Whether the stores could be asked for what was written. */
  compared: boolean;
  /** Whether something was missing when the time for looking was up. */
  open?: true;
  /** What else was seen. */
  notes: string[];
  /** Targets that were missed. */
  missed: string[];
}

/** Seconds in which queries may fail at a sudden loss. */
const outageAllowed = 15;

const count = (value: number, of: string) => `${value} ${of}${value === 1 ? "" : "s"}`;

/**
 * Targets that an event missed.
 *
 * @param all whether no node was left, so that nothing could answer
 * @param compared whether the stores could be asked for what was written
 */
export function judge(
  cost: Cost,
  whole: number | undefined,
  { all, compared }: { all: boolean; compared: boolean },
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
    ...(whole === undefined ? ["not whole in time"] : []),
    ...(compared ? gone : ["data was not compared"]),
    ...(["alloy", ...stores] as const)
      .filter((to) => failedWrites[to])
      .map((to) => `${count(failedWrites[to], "write")} to ${to} failed`),
    ...stores
      .filter((store) => !all && queries[store].outage > outageAllowed)
      .map((store) => `queries of ${store} failed for ${queries[store].outage.toFixed(0)} s`),
  ];
}

const number = (value: number) => (value ? String(value) : "-");
const seconds = (value: number | undefined) => (value === undefined ? "never" : `${value.toFixed(0)} s`);
const row = (cells: string[]) => `| ${cells.join(" | ")} |`;

/** The Markdown table, and the missed targets and notes below it. */
export function tableText(cases: Case[]): string {
  const heading = [
    ...["event", "harm", "whole after", "load", "lines lost / duplicated / written"],
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

/** The cases that a report has; none without such a file. */
export const readReport = (file: string): Case[] =>
  existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")).cases as Case[]).map((one) => ({
        ...one,
        compared: one.compared ?? true,
      }))
    : [];

/** A report with one case more, which replaces an earlier one of the same event. */
export const withCase = (cases: Case[], one: Case): Case[] => [
  ...cases.filter(({ event }) => event !== one.event),
  one,
];

/** Writes a report, and its table beside it. */
export function writeReport(file: string, cases: Case[]): void {
  writeFileSync(file, `${JSON.stringify({ cases }, null, 2)}\n`);
  writeFileSync(`${file.replace(/\.json$/, "")}.md`, `${tableText(cases)}\n`);
}
