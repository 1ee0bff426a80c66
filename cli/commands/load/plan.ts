/** The plan of a load test: the numbers for the k6 script, from the target rates. */
import { randomBytes } from "node:crypto";
import { servedUrls, urls } from "../../../names";
import { type Settings, UserError } from "../../../settings";

/** Target rates of the last step; 0 disables a kind. */
export interface LoadOptions {
  /** Lines per second. */
  logs: number;
  /** Active series, each with a sample every {@link interval} seconds. */
  series: number;
  /** Spans per second. */
  spans: number;
  /** Queries per second, a third each of LogQL, PromQL and TraceQL. */
  queries: number;
  /** Steps in which the rates rise linearly. */
  steps: number;
  /** Seconds of each step. */
  duration: number;
}

/** The kinds of load, in the order of the table. */
export const kinds = ["logs", "metrics", "traces", "LogQL", "PromQL", "TraceQL"] as const;
export type Kind = (typeof kinds)[number];

/** Items of the signals that are written. The other kinds are queries, one in each request. */
const items: Partial<Record<Kind, { unit: string; largest: number }>> = {
  // As agents send them, and small enough for k6 to encode in milliseconds.
  logs: { unit: "lines", largest: 100 },
  metrics: { unit: "samples", largest: 500 },
  traces: { unit: "spans", largest: 100 },
};

export const unitOf = (kind: Kind): string => items[kind]?.unit ?? "queries";

/** Seconds between two samples of a series, as agents usually scrape. */
export const interval = 15;

/** Items per second of each kind in the last step. */
function rateOf({ logs, series, spans, queries }: LoadOptions, kind: Kind): number {
  const written: Partial<Record<Kind, number>> = { logs, metrics: series / interval, traces: spans };
  return written[kind] ?? queries / 3;
}

/** Virtual users that k6 starts with, and its maximum while answers are slow: half a second of requests at the start, at most ten seconds of them; each costs k6 memory. */
function vusFor(requestsPerMinute: number) {
  const bounded = (seconds: number, least: number, most: number) =>
    Math.min(most, Math.max(least, Math.ceil((requestsPerMinute / 60) * seconds)));
  return { first: bounded(0.5, 2, 50), most: bounded(10, 10, 300) };
}

/** The load of one kind. */
function kindPlan(kind: Kind, rate: number, steps: number) {
  // Items of a request.
  const batch = Math.min(items[kind]?.largest ?? 1, Math.max(1, Math.floor(rate / steps)));
  // In each step; k6 accepts whole numbers only.
  const requestsPerMinute = Array.from({ length: steps }, (_, index) =>
    Math.max(1, Math.round(((rate * (index + 1)) / steps / batch) * 60)),
  );
  // Marked signals are written and queried if it is probed.
  return { batch, requestsPerMinute, vus: vusFor(requestsPerMinute.at(-1) ?? 0), probed: kind in items };
}

/** The plan for some options. @param run @default eight random characters @throws UserError if all rates are 0 */
export function planOf(
  settings: Settings,
  options: LoadOptions,
  run: string = randomBytes(4).toString("hex"),
) {
  const { steps, duration, series } = options;
  const loaded = kinds.filter((kind) => rateOf(options, kind) > 0);
  if (loaded.length === 0)
    throw new UserError("--logs, --series, --spans and --queries are all 0: set at least one of them");
  const plans = loaded.map((kind) => [kind, kindPlan(kind, rateOf(options, kind), steps)]);
  return {
    /** Label or attribute of this run's signals. */
    run,
    steps,
    /** Of a step. */
    seconds: duration,
    kinds: Object.fromEntries(plans) as Partial<Record<Kind, ReturnType<typeof kindPlan>>>,
    /** Active series in each step. */
    series: Array.from({ length: steps }, (_, index) => Math.ceil((series * (index + 1)) / steps)),
    interval,
    /** Of the lines. */
    streams: 10,
    spansPerTrace: 10,
    /** Milliseconds between two queries for marked signals: the accuracy of ingest-to-query times. */
    look: 500,
    /** Seconds at the end in which marked signals may still be found. */
    patience: 30,
    urls: {
      loki: urls(settings).loki,
      mimir: urls(settings).mimir,
      tempo: urls(settings).tempo,
      otlp: servedUrls(settings).otlpHttp,
    },
    /** Address of k6's own metrics. */
    status: "http://127.0.0.1:6565/v1/metrics",
  };
}
/** The input of the script. */
export type Plan = ReturnType<typeof planOf>;

/** Target rate of a kind in a step; 0 for a disabled kind. @param step from 1 */
export function requestedRate(plan: Plan, kind: Kind, step: number): number {
  const { batch = 0, requestsPerMinute = [] } = plan.kinds[kind] ?? {};
  return (batch * (requestsPerMinute[step - 1] ?? 0)) / 60;
}

/** Maximum seconds of a run. */
export const longest = ({ steps, seconds, patience }: Plan): number => steps * seconds + patience + 120;
