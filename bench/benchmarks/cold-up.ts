/** Time from an empty cluster to the first signal in each store, and back to an empty cluster. */
import { randomBytes } from "node:crypto";
import { KubeConfig } from "@kubernetes/client-node";
import { withStack } from "../../automation/ephemeral";
import { presentNamespaces } from "../../automation/left";
import { linesOf } from "../../cli/commands/smoke/logs";
import { senders } from "../../cli/commands/smoke/protocols";
import { search } from "../../cli/commands/smoke/traces";
import { samplesOf, throughGateways, type View } from "../../cli/commands/smoke/view";
import { until } from "../../cli/lib/poll";
import { parseSettings, type Settings } from "../../settings";
import { type Bench, type Benchmark, type Result, Skipped, variable } from "../benchmark";
import { spread } from "../statistics";

/** Seconds within which each signal must be found. */
const within = 1800;

/** Measured events. */
const events = ["line", "metric", "trace", "up", "down"] as const;
type Event = (typeof events)[number];

/** Their names in the table. */
const titles: Record<Event, string> = {
  line: "first line found in Loki",
  metric: "first sample found in Mimir",
  trace: "first trace found in Tempo",
  up: "end of up",
  down: "down, from its start to an empty cluster",
};

/** A query for any signal of each kind. A new stack receives no spans, so this benchmark sends some. */
function signalsOf(
  config: KubeConfig,
  settings: Settings,
  view: View,
  begun: number,
): Partial<Record<Event, () => Promise<unknown>>> {
  const run = randomBytes(4).toString("hex");
  const some = <T>(found: T[]) => (found.length ? found : undefined);
  return {
    line: async () => some(await linesOf(view, '{namespace=~".+"}', begun, Date.now())),
    metric: async () => some(await samplesOf(view, "count(up)")),
    trace: async () => {
      await senders["OTLP by HTTP"]?.({ config, settings }, run);
      return some(await search(view, `{ span.run = "${run}" }`));
    },
  };
}

/** One lifecycle. @returns the seconds of each event */
async function life(config: KubeConfig, { stop, tell }: Bench): Promise<Record<Event, number>> {
  const stack = `bench${randomBytes(2).toString("hex")}`;
  const settings = parseSettings(stack, { environment: "dev" });
  const begun = Date.now();
  const since = (start: number) => (Date.now() - start) / 1000;
  // A failure ends the queries, too.
  const end = new AbortController();
  const seen: Partial<Record<Event, number>> = {};
  const looking = Object.entries(
    signalsOf(config, settings, throughGateways({ config, settings }), begun),
  ).map(async ([event, look]) => {
    await until(within, event, look, end.signal);
    seen[event as Event] = since(begun);
    tell(`  ${titles[event as Event]}: ${since(begun).toFixed(0)} s`);
  });
  const found = Promise.all(looking);
  found.catch(() => undefined);
  let downFrom = begun;
  try {
    await withStack({ stack, smoke: false, stop, tell: (line) => tell(`    ${line}`) }, async () => {
      seen.up = since(begun);
      tell(`  ${titles.up}: ${seen.up.toFixed(0)} s`);
      await found;
      downFrom = Date.now();
    });
  } finally {
    end.abort(new Error("the stack is deleted"));
  }
  return { line: 0, metric: 0, trace: 0, up: 0, ...seen, down: since(downFrom) };
}

async function measure(bench: Bench): Promise<Result> {
  const config = new KubeConfig();
  config.loadFromFile(
    variable("OBS_TEST_KUBECONFIG", "it must be an empty cluster, on which the benchmark creates a stack"),
  );
  const present = await presentNamespaces(config, parseSettings("bench", { environment: "dev" }));
  if (present.length)
    throw new Skipped(`the cluster of OBS_TEST_KUBECONFIG has a stack: ${present.join(", ")}`);
  const lives: Record<Event, number>[] = [];
  for (let repetition = 1; repetition <= bench.repetitions; repetition++) {
    bench.tell(`  repetition ${repetition} of ${bench.repetitions}`);
    lives.push(await life(config, bench));
  }
  return {
    tables: [
      {
        title: "A dev stack on an empty cluster, seconds from the start of up",
        head: ["what", "seconds"],
        rows: events.map((event) => [titles[event], spread(lives.map((one) => one[event]))]),
      },
    ],
    notes: [],
    skipped: [],
    measured: lives,
  };
}

export const benchmark: Benchmark = {
  name: "cold-up",
  what: "seconds from an empty cluster to the first signal found, and back; needs an empty cluster",
  measure,
};
