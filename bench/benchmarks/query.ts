/**
 * Query latency: dashboards, LogQL and TraceQL over a day of data, with the stores' own programs and the configuration
 * of dev and prod.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PanelQuery, Span } from "../../cli/commands/dashboards/gateways";
import type { Bench, Benchmark, Result, Table } from "../benchmark";
import { ask, load, type Stores, type Taken, taken } from "../query/ask";
import { byDashboard, lastDay } from "../query/fill";
import { needle } from "../query/logs";
import { type Index, indexes, Stand, type Variant, variants } from "../query/stand";
import { program } from "../query/stores";
import { rareCustomer } from "../query/traces";
import { median, percentile, shortOf } from "../statistics";

const hour = 3600;
/** The ranges of Grafana's time picker, with the steps of a panel that is 700 points wide. */
const spans: Record<string, Span> = {
  "1 h": { range: hour, step: 60, lines: 1000 },
  "24 h": { range: 24 * hour, step: 120, lines: 1000 },
  "7 d": { range: 168 * hour, step: 900, lines: 1000 },
};

const logQuery = (panel: string, expr: string): PanelQuery => ({
  ...{ dashboard: "LogQL", panel, expr, instant: false },
  source: { type: "loki", uid: "loki" },
});
const fullText = logQuery("full text, one line in an hour", `{cluster="bench"} |= "${needle}"`);
const logQueries = [
  logQuery("newest lines by label", '{namespace="shop", level="error"}'),
  logQuery("rate by label", 'sum by (level) (count_over_time({namespace="shop"} [$__auto]))'),
  fullText,
  logQuery(
    "full text and a field",
    'sum by (status) (count_over_time({namespace="payments"} |= "timeout" | json | status >= 500 [$__auto]))',
  ),
];
const traceQuery = (panel: string, expr: string): PanelQuery => ({
  ...{ dashboard: "TraceQL", panel, expr, instant: false },
  source: { type: "tempo", uid: "tempo" },
});
const traceQueries = [
  traceQuery("service", '{ resource.service.name = "checkout" }'),
  traceQuery("route and duration", '{ span.http.route = "/api/cart" && duration > 1s }'),
  traceQuery("attribute, one trace in an hour", `{ span.customer = "${rareCustomer}" }`),
];

/** A measurement, with its query, range and configuration. */
interface Measured extends Taken {
  configuration: string;
  index: Index;
  what: string;
  span: string;
  cache: "cold" | "warm";
  /** Bytes of lines that Loki read, decompressed. */
  bytes: number;
  failed: string[];
  empty: number;
}

/**
 * Measures once with empty caches, and then repeatedly; between two repetitions the range moves by a minute, as in a
 * refresh.
 */
async function coldAndWarm(
  stand: Stand,
  stores: Stores,
  { repetitions, stop }: Pick<Bench, "repetitions" | "stop">,
  what: Pick<Measured, "configuration" | "index" | "what" | "span">,
  action: (end: number) => Promise<Pick<Measured, "failed" | "empty" | "bytes">>,
): Promise<Measured[]> {
  const found: Measured[] = [];
  const { to } = lastDay(stand.now);
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    stop.throwIfAborted();
    const end = to - (repetitions - repetition) * 60_000;
    const { result, seconds, cpu } = await taken(stores, () => action(end));
    found.push({ ...what, ...result, seconds, cpu, cache: repetition ? "warm" : "cold" });
  }
  return found;
}

/** All dashboards, LogQL and TraceQL with one configuration; each range starts with empty caches. */
export async function measured(
  stand: Stand,
  one: Variant,
  bench: Pick<Bench, "repetitions" | "stop" | "tell">,
): Promise<Measured[]> {
  const found: Measured[] = [];
  const single = async (stores: Stores, query: PanelQuery, index: Index, span: string) => {
    const what = { configuration: one.name, index, what: query.panel, span };
    found.push(
      ...(await coldAndWarm(stand, stores, bench, what, async (end) => {
        const answer = await ask(stores, query, one.settings, end, spans[span] as Span);
        const result = answer.traces ?? answer.data.result;
        const bytes = answer.data?.stats?.summary?.totalBytesProcessed ?? 0;
        return { failed: [], empty: result.length ? 0 : 1, bytes };
      })),
    );
  };
  for (const span of Object.keys(spans)) {
    await stand.with(one, "boltdb-shipper", async (stores) => {
      for (const [dashboard, queries] of byDashboard()) {
        const what = { configuration: one.name, index: indexes[0], what: dashboard, span };
        found.push(
          ...(await coldAndWarm(stand, stores, bench, what, async (end) => ({
            ...(await load(stores, queries, one.settings, end, spans[span] as Span)),
            bytes: 0,
          }))),
        );
      }
    });
    for (const index of indexes)
      await stand.with(one, index, async (stores) => {
        for (const query of [...logQueries, ...(index === "tsdb" ? [] : traceQueries)])
          await single(stores, query, index, span);
      });
    bench.tell(`  ${one.name}, ${span}: measured`);
  }
  return found;
}

/** The measurements that match these values. */
const those = (all: Measured[], values: Partial<Measured>): Measured[] =>
  all.filter((one) => Object.entries(values).every(([key, value]) => one[key as keyof Measured] === value));

const seconds = (all: Measured[]) => all.map((one) => one.seconds);
const unique = (all: Measured[], key: "configuration" | "what" | "span"): string[] => [
  ...new Set(all.map((one) => one[key])),
];
const p50p95 = (all: Measured[]): string =>
  `${shortOf(percentile(seconds(all), 0.5))} / ${shortOf(percentile(seconds(all), 0.95))}`;

/** The tables of all measurements. Pure. */
export function tablesOf(all: Measured[]): Table[] {
  const configurations = unique(all, "configuration");
  const ranges = unique(all, "span");
  const isDashboard = (one: Measured) =>
    ![...logQueries, ...traceQueries].some(({ panel }) => panel === one.what);
  const dashboards = all.filter(isDashboard);
  const others = all.filter((one) => !isDashboard(one));
  const columns = configurations.flatMap((configuration) => ranges.map((span) => ({ configuration, span })));
  const sets = configurations.flatMap((configuration) => indexes.map((index) => ({ configuration, index })));
  const coldWarm = (some: Measured[]) =>
    (["cold", "warm"] as const).map((cache) => shortOf(median(seconds(those(some, { cache }))))).join(" / ");
  return [
    {
      title: "Each dashboard, seconds until its last panel with warm caches, p50 / p95",
      head: ["dashboard", ...columns.map(({ configuration, span }) => `${configuration}, ${span}`)],
      rows: unique(dashboards, "what").map((what) => [
        what,
        ...columns.map((column) => p50p95(those(dashboards, { ...column, what, cache: "warm" }))),
      ]),
    },
    {
      title: "All dashboards one after the other, seconds of each, p50 / p95, and CPU seconds of all",
      head: ["configuration", "cold", "CPU cold", "warm", "CPU warm", "queries that failed"],
      rows: columns.map((column) => {
        const own = those(dashboards, column);
        const cpu = (cache: "cold" | "warm") => {
          const some = those(own, { cache });
          const loads = some.length / unique(some, "what").length;
          return shortOf(some.reduce((sum, one) => sum + one.cpu, 0) / loads);
        };
        const [cold, warm] = [those(own, { cache: "cold" }), those(own, { cache: "warm" })];
        const failed = own.reduce((sum, one) => sum + one.failed.length, 0);
        const name = `${column.configuration}, ${column.span}`;
        return [name, p50p95(cold), cpu("cold"), p50p95(warm), cpu("warm"), `${failed}`];
      }),
    },
    {
      title: "LogQL, seconds with cold / warm caches",
      head: ["query", ...sets.map(({ configuration, index }) => `${configuration}, ${index}`)],
      rows: logQueries.flatMap(({ panel: what }) =>
        ranges.map((span) => [
          `${what}, ${span}`,
          ...sets.map((set) => coldWarm(those(others, { ...set, what, span }))),
        ]),
      ),
    },
    {
      title: "Full-text search of 24 h with cold caches",
      head: ["configuration and index", "GB of lines", "seconds", "CPU seconds of Loki", "GB/s per core"],
      rows: sets.map((set) => {
        const [one] = those(others, { ...set, what: fullText.panel, span: "24 h", cache: "cold" });
        const { bytes = Number.NaN, seconds = Number.NaN, cpu = Number.NaN } = one ?? {};
        const numbers = [bytes / 1e9, seconds, cpu, bytes / 1e9 / cpu];
        return [`${set.configuration}, ${set.index}`, ...numbers.map(shortOf)];
      }),
    },
    {
      title: "TraceQL, seconds with cold / warm caches",
      head: ["query", ...configurations],
      rows: traceQueries.flatMap(({ panel: what }) =>
        ranges.map((span) => [
          `${what}, ${span}`,
          ...configurations.map((configuration) => coldWarm(those(others, { configuration, what, span }))),
        ]),
      ),
    },
  ];
}

async function measure(bench: Bench): Promise<Result> {
  for (const name of ["loki", "mimir", "tempo", "minio", "memcached"]) program(name);
  const all = await variants(bench.with);
  const folder = mkdtempSync(join(tmpdir(), "observability-query-"));
  let stand: Stand | undefined;
  try {
    stand = await Stand.filled(folder, all[0] as Variant, bench);
    const found: Measured[] = [];
    for (const one of all) found.push(...(await measured(stand, one, bench)));
    const failed = [...new Set(found.flatMap((one) => one.failed))];
    return {
      tables: tablesOf(found),
      notes: [stand.stored, ...failed.slice(0, 5).map((one) => `Failed: ${one}`)],
      skipped: [],
      measured: found,
    };
  } finally {
    await stand?.minio.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = {
  name: "query",
  what: "dashboards, LogQL and TraceQL over a day of data, on loopback; needs loki, mimir, tempo, minio, memcached and the charts",
  measure,
};
