/** The report of a load test. */
import { setTimeout as wait } from "node:timers/promises";
import type { Connection } from "../../lib/cluster";
import { queryPrometheus } from "../../lib/prometheus";
import { columns, table } from "../../lib/text";
import { type LoadLife, withLoad } from "./life";
import { autoscalerRows, componentRows, discarded, type Query } from "./observe";
import type { Plan } from "./plan";
import { short, type Times } from "./summary";
import { exhausted, missing, signalRows, verdictText } from "./verdict";

/** Seconds until Prometheus has the end of the run: its longest scrape interval and a margin. */
const scraped = 35;

/** Loads a stack and measures it. @throws UserError for a second load test, or one that did not finish */
export async function loadReport(stack: string, connection: Connection, plan: Plan, life: LoadLife) {
  const { tell, stop } = life;
  const { settings } = connection;
  return withLoad(connection, plan, life, async (summary) => {
    const end = Date.now() / 1000;
    tell(`k6 has finished; waiting ${scraped} s for the last scrapes`);
    await wait(scraped * 1000, undefined, { signal: stop }).catch(() => stop.throwIfAborted());
    const atEnd: Query = (promql) => queryPrometheus(connection, promql, end);
    const now: Query = (promql) => queryPrometheus(connection, promql);
    return {
      stack,
      /** The label or attribute `run` of the test data. */
      run: plan.run,
      plan,
      summary,
      signals: signalRows(plan, summary),
      components: await componentRows(atEnd, settings, summary.seconds),
      autoscalers: await autoscalerRows(atEnd, settings, summary.seconds),
      /** Data discarded behind the gateways, by counter and reason. */
      discarded: await discarded(now, summary.seconds + scraped),
      exhausted: exhausted(plan, summary),
      /** Marked signals that were not found. */
      missing: missing(plan, summary),
    };
  });
}

/** Result of a load test, as `--json` prints it. */
export type Report = Awaited<ReturnType<typeof loadReport>>;

/** Three percentiles in seconds. */
const seconds = (times: Times | undefined): string =>
  times?.count
    ? [times.p50, times.p95, times.p99].map((value) => short((value ?? 0) / 1000)).join(" / ")
    : "-";

/** The report as text. */
export function reportText(report: Report): string {
  const { plan, summary } = report;
  const signals = columns(report.signals, [
    ["signal", ({ kind, unit }) => `${kind} (${unit})`],
    ["target/s", ({ asked }) => short(asked)],
    ["sustained/s", ({ sustained }) => short(sustained)],
    ["errors", ({ errors }) => String(errors)],
    ["429", ({ refused }) => String(refused)],
    ["response p50/p95/p99 s", ({ answer }) => seconds(answer)],
    ["ingest-to-query s", ({ visible }) => seconds(visible)],
    ["found", ({ visible }) => (visible ? `${visible.count} of ${visible.count + visible.lost}` : "-")],
  ]);
  const components = columns(report.components, [
    ["component", ({ component }) => component],
    ["pods", ({ pods }) => String(pods)],
    ["cores", ({ cores }) => cores.toFixed(3)],
    ["memory MiB", ({ memory }) => String(Math.round(memory / 2 ** 20))],
    ["restarts", ({ restarts }) => String(restarts)],
  ]);
  const autoscalers = columns(report.autoscalers, [
    ["autoscaler", ({ autoscaler }) => autoscaler],
    ["at start", ({ start }) => String(start)],
    ["highest", ({ highest }) => String(highest)],
    ["at end", ({ end }) => String(end)],
  ]);
  const dropped = Object.entries(report.discarded).map(([what, count]) => `  ${what}: ${count}`);
  return [
    table(signals, true),
    table(components, true),
    report.autoscalers.length ? table(autoscalers, true) : "no autoscalers",
    ...(dropped.length ? [`discarded behind the gateways:\n${dropped.join("\n")}`] : []),
    ...(summary.dropped
      ? [`k6 did not send ${summary.dropped} requests, because all its virtual users waited for responses`]
      : []),
    verdictText(plan, report.exhausted, report.missing),
  ].join("\n\n");
}
