/** The report of a load test. */
import { columns, table } from "../../lib/text";
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

const signalRows = (signals: SignalRow[]) =>
  columns(signals, [
    ["signal", ({ kind, unit }) => `${kind} (${unit})`],
    ["target/s", ({ asked }) => short(asked)],
    ["sustained/s", ({ sustained }) => short(sustained)],
    ["errors", ({ errors }) => String(errors)],
    ["429", ({ refused }) => String(refused)],
    ["answer p50/p95/p99 s", ({ answer }) => seconds(answer)],
    ["ingest-to-query s", ({ visible }) => seconds(visible)],
    ["found", ({ visible }) => (visible ? `${visible.count} of ${visible.count + visible.lost}` : "-")],
  ]);

const componentRows = (components: ComponentRow[]) =>
  columns(components, [
    ["component", ({ component }) => component],
    ["pods", ({ pods }) => String(pods)],
    ["cores", ({ cores }) => cores.toFixed(3)],
    ["memory MiB", ({ memory }) => String(Math.round(memory / 2 ** 20))],
    ["restarts", ({ restarts }) => String(restarts)],
  ]);

const autoscalerRows = (autoscalers: AutoscalerRow[]) =>
  columns(autoscalers, [
    ["autoscaler", ({ autoscaler }) => autoscaler],
    ["at start", ({ start }) => String(start)],
    ["highest", ({ highest }) => String(highest)],
    ["at end", ({ end }) => String(end)],
  ]);

/** The report as text. */
export function reportText(report: Report): string {
  const { summary, signals, components, autoscalers, discarded } = report;
  const dropped = Object.entries(discarded).map(([what, count]) => `  ${what}: ${count}`);
  return [
    table(signalRows(signals), true),
    table(componentRows(components), true),
    autoscalers.length ? table(autoscalerRows(autoscalers), true) : "no autoscalers",
    ...(dropped.length ? [`discarded behind the gateways:\n${dropped.join("\n")}`] : []),
    ...(summary.dropped
      ? [`k6 did not send ${summary.dropped} requests, because all its virtual users waited for answers`]
      : []),
    verdictText(report),
  ].join("\n\n");
}
