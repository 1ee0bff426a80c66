/** What people read at the end of a load test. */
import type { AutoscalerRow, ComponentRow } from "./observe";
import type { Plan } from "./plan";
import { type Summary, short, type Times } from "./summary";
import { type GaveOut, type missing, type SignalRow, verdictText } from "./verdict";

/** All that came of a load test; what `--json` prints. */
export interface Report {
  stack: string;
  /** The label or attribute `run` of all that was written. */
  run: string;
  plan: Plan;
  summary: Summary;
  signals: SignalRow[];
  components: ComponentRow[];
  /** Empty where there are none. */
  autoscalers: AutoscalerRow[];
  /** What was discarded behind the gateways, by counter and reason. */
  discarded: Record<string, number>;
  /** Empty where every step held. */
  gaveOut: GaveOut[];
  /** Marked signals that were not found; empty where all were. */
  missing: ReturnType<typeof missing>;
}

/** A table: the first column to the left, all others to the right, two spaces between. */
export function tableText(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Three percentiles in seconds. */
const seconds = (times: Times | undefined): string =>
  times?.count
    ? [times.p50, times.p95, times.p99].map((value) => short((value ?? 0) / 1000)).join(" / ")
    : "-";

const signalTable = (rows: SignalRow[]): string =>
  tableText(
    [
      "signal",
      "asked/s",
      "sustained/s",
      "errors",
      "429",
      "answer p50/p95/p99 s",
      "ingest-to-query s",
      "found",
    ],
    rows.map(({ kind, unit, asked, sustained, errors, refused, answer, visible }) => [
      `${kind} (${unit})`,
      short(asked),
      short(sustained),
      String(errors),
      String(refused),
      seconds(answer),
      seconds(visible),
      visible ? `${visible.count} of ${visible.count + visible.lost}` : "-",
    ]),
  );

const componentTable = (rows: ComponentRow[]): string =>
  tableText(
    ["component", "pods", "cores", "memory MiB", "restarts"],
    rows.map(({ component, pods, cores, memory, restarts }) => [
      component,
      String(pods),
      cores.toFixed(3),
      String(Math.round(memory / 2 ** 20)),
      String(restarts),
    ]),
  );

const autoscalerTable = (rows: AutoscalerRow[]): string =>
  rows.length
    ? tableText(
        ["autoscaler", "at start", "highest", "at end"],
        rows.map(({ autoscaler, start, highest, end }) => [autoscaler, ...[start, highest, end].map(String)]),
      )
    : "no autoscalers";

/** The report in words and tables. */
export function reportText({ plan, summary, signals, components, autoscalers, discarded }: Report): string {
  const dropped = Object.entries(discarded).map(([what, count]) => `  ${what}: ${count}`);
  return [
    signalTable(signals),
    componentTable(components),
    autoscalerTable(autoscalers),
    ...(dropped.length ? [`discarded behind the gateways:\n${dropped.join("\n")}`] : []),
    ...(summary.dropped
      ? [`k6 did not send ${summary.dropped} requests: all its virtual users waited for answers`]
      : []),
    verdictText(plan, summary),
  ].join("\n\n");
}
