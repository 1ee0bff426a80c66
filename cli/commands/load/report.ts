/** The report of a load test. */
import { table } from "../../lib/text";
import type { AutoscalerRow, ComponentRow } from "./observe";
import type { Plan } from "./plan";
import { type Summary, short, type Times } from "./summary";
import { type GaveOut, type Missing, type SignalRow, verdictText } from "./verdict";

/** Result of a load test, as `--json` prints it. */
export interface Report {
  stack: string;
  /** The label or attribute `run` of the test data. */
  run: string;
  plan: Plan;
  summary: Summary;
  signals: SignalRow[];
  components: ComponentRow[];
  autoscalers: AutoscalerRow[];
  /** Data discarded behind the gateways, by counter and reason. */
  discarded: Record<string, number>;
  gaveOut: GaveOut[];
  /** Marked signals that were not found. */
  missing: Missing[];
}

/** Three percentiles in seconds. */
const seconds = (times: Times | undefined): string =>
  times?.count
    ? [times.p50, times.p95, times.p99].map((value) => short((value ?? 0) / 1000)).join(" / ")
    : "-";

const signalHead = [
  "signal",
  "target/s",
  "sustained/s",
  "errors",
  "429",
  "answer p50/p95/p99 s",
  "ingest-to-query s",
  "found",
];

const signalRow = (row: SignalRow): string[] => [
  `${row.kind} (${row.unit})`,
  short(row.asked),
  short(row.sustained),
  String(row.errors),
  String(row.refused),
  seconds(row.answer),
  seconds(row.visible),
  row.visible ? `${row.visible.count} of ${row.visible.count + row.visible.lost}` : "-",
];

const componentRow = ({ component, pods, cores, memory, restarts }: ComponentRow): string[] => [
  component,
  String(pods),
  cores.toFixed(3),
  String(Math.round(memory / 2 ** 20)),
  String(restarts),
];

const autoscalerRow = ({ autoscaler, start, highest, end }: AutoscalerRow): string[] => [
  autoscaler,
  ...[start, highest, end].map(String),
];

/** The report as text. */
export function reportText(report: Report): string {
  const { summary, signals, components, autoscalers, discarded } = report;
  const dropped = Object.entries(discarded).map(([what, count]) => `  ${what}: ${count}`);
  const autoscalerHead = ["autoscaler", "at start", "highest", "at end"];
  return [
    table([signalHead, ...signals.map(signalRow)], true),
    table([["component", "pods", "cores", "memory MiB", "restarts"], ...components.map(componentRow)], true),
    autoscalers.length ? table([autoscalerHead, ...autoscalers.map(autoscalerRow)], true) : "no autoscalers",
    ...(dropped.length ? [`discarded behind the gateways:\n${dropped.join("\n")}`] : []),
    ...(summary.dropped
      ? [`k6 did not send ${summary.dropped} requests, because all its virtual users waited for answers`]
      : []),
    verdictText(report),
  ].join("\n\n");
}
