/**
 * Ingestion-to-query latency: the time from the creation of a signal in a pod until a query returns it, at rest and
 * under two loads.
 */
import { setTimeout as wait } from "node:timers/promises";
import { consequence } from "../../cli/commands/load";
import { withLoad } from "../../cli/commands/load/life";
import { type Kind, type LoadOptions, planOf } from "../../cli/commands/load/plan";
import type { Summary } from "../../cli/commands/load/summary";
import { requireConfirmation } from "../../cli/lib/cluster";
import { accountOf, type Signal, signals } from "../../tests/chaos/account";
import { newRun, removeLoad, scrapeInterval, startLoad } from "../../tests/chaos/load";
import { signalMap, Watch } from "../../tests/chaos/watch";
import type { Bench, Benchmark, Result, RunningStack } from "../benchmark";
import { median, percentile, shortOf } from "../statistics";

/** The loads during the measurement: a small cluster, and one that keeps two cores busy. */
const levels: Record<string, Pick<LoadOptions, "logs" | "series" | "spans" | "queries"> | undefined> = {
  idle: undefined,
  light: { logs: 50, series: 1500, spans: 20, queries: 1 },
  heavy: { logs: 1000, series: 15_000, spans: 300, queries: 2 },
};

/** Each signal and its path. */
const ways: Record<Signal, string> = {
  lines: "a line of a pod, from Alloy to Loki",
  samples: "a scrape by Alloy, written to Mimir",
  written: "a scrape by Prometheus, written to Mimir",
  traces: "a span, from Alloy to Tempo, found by search",
};

/** Seconds within which the last signals of a level must be found. */
const patience = 60;

/** Results of one level: seconds for each signal that was found, and the number of missing ones. */
interface Seen {
  seconds: Record<Signal, number[]>;
  lost: Record<Signal, number>;
  /** k6's own results under a load. */
  atGateways: Summary["visible"][];
}

/** Results for signals created in a period, in milliseconds since 1970, after its last signals were found or timed out. */
async function bornIn(
  watch: Watch,
  from: number,
  to: number,
  stop: AbortSignal,
): Promise<Pick<Seen, "seconds" | "lost">> {
  const deadline = Date.now() + patience * 1000;
  const behind = () => signals.some((signal) => (watch.looks[signal].at(-1)?.newest ?? 0) < to);
  while (behind() && Date.now() < deadline) await wait(500, undefined, { signal: stop });
  const items = signalMap((signal) => watch.itemsSince(signal, from).filter(({ written }) => written <= to));
  return {
    seconds: signalMap((signal) => items[signal].map(({ written, found }) => (found - written) / 1000)),
    lost: signalMap((signal) => accountOf(signal, items[signal], [], scrapeInterval).lost),
  };
}

/** Applies a load, or none, for a while. @returns the period, and k6's results */
async function under(
  level: string,
  stack: RunningStack,
  { seconds, stop, tell }: Bench,
): Promise<{ from: number; to: number; summary?: Summary }> {
  const rates = levels[level];
  if (!rates) {
    const from = Date.now();
    await wait(seconds * 1000, undefined, { signal: stop });
    return { from, to: Date.now() };
  }
  const plan = planOf(stack.settings, { ...rates, steps: 1, duration: seconds });
  return withLoad(stack, plan, { stop, tell: (line) => tell(`    ${line}`) }, async (summary) => {
    const from = Date.now() - summary.seconds * 1000;
    return { from, to: from + seconds * 1000, summary };
  });
}

/** One row for each signal and level. */
export function rowsOf(seen: Record<string, Seen>): string[][] {
  return signals.flatMap((signal) =>
    Object.entries(seen).map(([level, { seconds, lost }]) => [
      ways[signal],
      level,
      String(seconds[signal].length),
      String(lost[signal]),
      ...[0.5, 0.95, 1].map((share) => shortOf(percentile(seconds[signal], share))),
    ]),
  );
}

/** k6's results at the gateways: medians of the repetitions. */
function gatewayRows(seen: Record<string, Seen>): string[][] {
  const kinds: Kind[] = ["logs", "metrics", "traces"];
  return kinds.flatMap((kind) =>
    Object.entries(seen)
      .filter(([, { atGateways }]) => atGateways.length)
      .map(([level, { atGateways }]) => {
        const of = (name: "p50" | "p95") =>
          shortOf(median(atGateways.map((visible) => (visible[kind]?.[name] ?? Number.NaN) / 1000)));
        const sum = (name: "count" | "lost") =>
          atGateways.reduce((total, visible) => total + (visible[kind]?.[name] ?? 0), 0);
        return [kind, level, String(sum("count")), String(sum("lost")), of("p50"), of("p95")];
      }),
  );
}

async function measure(bench: Bench): Promise<Result> {
  const { repetitions, yes, stop, tell } = bench;
  const running = await bench.running();
  const { settings, config } = running;
  requireConfirmation(settings, yes, consequence);
  const empty = (): Seen => ({ seconds: signalMap(() => []), lost: signalMap(() => 0), atGateways: [] });
  const seen = Object.fromEntries(Object.keys(levels).map((level) => [level, empty()]));
  const run = newRun();
  const watch = new Watch(config, run);
  try {
    tell(`  run ${run}: a pod that writes lines, exposes a counter and sends spans`);
    await startLoad(config, settings, run);
    watch.start();
    await flowing(watch, stop);
    for (let repetition = 1; repetition <= repetitions; repetition++)
      for (const [level, of] of Object.entries(seen)) {
        tell(`  repetition ${repetition} of ${repetitions}: ${level}`);
        const { from, to, summary } = await under(level, running, bench);
        const { seconds, lost } = await bornIn(watch, from, to, stop);
        for (const signal of signals) {
          of.seconds[signal].push(...seconds[signal]);
          of.lost[signal] += lost[signal];
        }
        if (summary) of.atGateways.push(summary.visible);
      }
  } finally {
    await watch.end();
    await removeLoad(config);
  }
  const rates = Object.entries(levels).flatMap(([level, one]) =>
    one
      ? [
          `${level}: ${one.logs} lines, ${one.series / 15} samples, ${one.spans} spans and ${one.queries} queries per second`,
        ]
      : [],
  );
  return {
    tables: [
      {
        title: "Ingestion-to-query latency, in seconds",
        head: ["signal", "load", "found", "lost", "p50", "p95", "highest"],
        rows: rowsOf(seen),
      },
      {
        title:
          "From a write at the gateway until a query returns it, in seconds, measured by the load generator",
        head: ["signal", "load", "found", "lost", "p50", "p95"],
        rows: gatewayRows(seen),
      },
    ],
    notes: [`Loads: ${rates.join("; ")}.`],
    skipped: [],
    measured: seen,
  };
}

/** Waits until every signal was found once. @throws if one is missing */
async function flowing(watch: Watch, stop: AbortSignal): Promise<void> {
  const deadline = Date.now() + 180_000;
  const silent = () => signals.filter((signal) => !watch.items[signal].size);
  while (silent().length) {
    if (Date.now() > deadline)
      throw new Error(`not found within 180 s: ${silent().join(", ")} ${JSON.stringify(watch.reasons)}`);
    await wait(1000, undefined, { signal: stop });
  }
}

export const benchmark: Benchmark = {
  name: "freshness",
  what: "ingestion-to-query latency in seconds, at rest and under two loads; needs a running stack",
  measure,
};
