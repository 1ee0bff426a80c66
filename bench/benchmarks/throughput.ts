/** The load of all three signals that a running stack sustains, and the bottleneck. */
import { consequence } from "../../cli/commands/load";
import { interval, planOf } from "../../cli/commands/load/plan";
import { loadReport, type Report } from "../../cli/commands/load/report";
import { requireConfirmation } from "../../cli/lib/cluster";
import type { Bench, Benchmark, Result, Table } from "../benchmark";
import { median, shortOf, spread } from "../statistics";

/** Rates of the last step: about the capacity of two cores. */
const rates = { logs: 6000, series: 45_000, spans: 1800, queries: 0, steps: 6 };

/** Number of components in the report. */
const told = 10;

/** Sustained rate of each signal. */
export function signalTable(reports: Report[]): Table {
  const kinds = reports[0]?.signals.map(({ kind, unit }) => ({ kind, unit })) ?? [];
  const rows = kinds.map(({ kind, unit }) => {
    const mine = reports.flatMap(({ signals }) => signals.filter((one) => one.kind === kind));
    const failed = mine.reduce((sum, { errors, refused }) => sum + errors + refused, 0);
    return [
      `${kind} (${unit}/s)`,
      spread(mine.map(({ sustained }) => sustained)),
      shortOf(median(mine.map(({ asked }) => asked))),
      String(failed),
      spread(mine.map(({ answer }) => (answer.p95 ?? Number.NaN) / 1000)),
      spread(mine.map(({ visible }) => (visible?.p95 ?? Number.NaN) / 1000)),
    ];
  });
  return {
    title: "Sustained, all three at once",
    head: ["signal", "sustained", "asked last", "failed or refused", "answer p95 s", "found p95 s"],
    rows,
  };
}

/** Components by CPU usage. */
export function componentTable(reports: Report[]): Table {
  const names = [
    ...new Set(reports.flatMap(({ components }) => components.map(({ component }) => component))),
  ];
  const rows = names
    .map((name) => {
      const mine = reports.flatMap(({ components }) =>
        components.filter(({ component }) => component === name),
      );
      const sum = (of: (row: (typeof mine)[number]) => number) =>
        mine.reduce((total, row) => total + of(row), 0);
      return {
        name,
        cores: median(mine.map(({ cores }) => cores)),
        memory: median(mine.map(({ memory }) => memory)),
        restarts: sum(({ restarts }) => restarts),
      };
    })
    .sort((a, b) => b.cores - a.cores);
  return {
    title: `The ${told} components with the highest CPU usage, on average over the run`,
    head: ["component", "cores", "memory MiB", "restarts"],
    rows: rows
      .slice(0, told)
      .map(({ name, cores, memory, restarts }) => [
        name,
        cores.toFixed(2),
        String(Math.round(memory / 1024 ** 2)),
        String(restarts),
      ]),
  };
}

/** The bottleneck of each repetition, a sentence each. */
export const verdicts = (reports: Report[]): string[] =>
  reports.map(({ exhausted, plan }, index) => {
    const [first] = exhausted;
    return first
      ? `Repetition ${index + 1}: bottleneck in step ${first.step} of ${plan.steps}: ${exhausted.map(({ component, reason }) => `${component}: ${reason}`).join("; ")}.`
      : `Repetition ${index + 1}: no bottleneck reached.`;
  });

async function measure({ repetitions, seconds, yes, stop, tell, running }: Bench): Promise<Result> {
  const connection = await running();
  const { stack, settings } = connection;
  requireConfirmation(settings, yes, consequence);
  const reports: Report[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    tell(`  repetition ${repetition} of ${repetitions}: ${rates.steps} steps of ${seconds} s`);
    const plan = planOf(settings, { ...rates, duration: seconds });
    reports.push(await loadReport(stack, connection, plan, { stop, tell: (line) => tell(`    ${line}`) }));
  }
  const dropped = reports.map(({ summary }) => summary.dropped);
  return {
    tables: [signalTable(reports), componentTable(reports)],
    notes: [
      `Requested in ${rates.steps} steps of ${seconds} s up to ${rates.logs} lines, ${rates.series / interval} samples and ${rates.spans} spans per second; docs/operations/load-test.md defines when a step is sustained.`,
      ...verdicts(reports),
      ...(dropped.some(Boolean)
        ? [`Requests that k6 could not send, because all its virtual users were busy: ${dropped.join(", ")}.`]
        : []),
    ],
    skipped: [],
    measured: reports,
  };
}

export const benchmark: Benchmark = {
  name: "throughput",
  what: "sustained lines, samples and spans per second, and the bottleneck; needs a running stack",
  measure,
};
