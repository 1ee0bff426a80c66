/** What a load test is to do: from the rates that were asked for to the numbers that the script in k6 goes by. */
import { randomBytes } from "node:crypto";
import { servedUrls, urls } from "../../../names";
import { type Settings, UserError } from "../../../settings";

/** What is asked of a load test. Rates are those of the last step; a rate of 0 leaves its kind out. */
export interface LoadOptions {
  /** Lines a second. */
  logs: number;
  /** Active series, each with a sample every {@link interval} seconds. */
  series: number;
  /** Spans a second. */
  spans: number;
  /** Queries a second, a third each of LogQL, PromQL and TraceQL. */
  queries: number;
  /** Steps in which the rates rise, all by the same amount. */
  steps: number;
  /** Seconds that each step lasts. */
  duration: number;
}

/** The kinds of load, in the order of the table. */
export const kinds = ["logs", "metrics", "traces", "LogQL", "PromQL", "TraceQL"] as const;
export type Kind = (typeof kinds)[number];

/** What is counted of each kind. */
export const units: Record<Kind, string> = {
  logs: "lines",
  metrics: "samples",
  traces: "spans",
  LogQL: "queries",
  PromQL: "queries",
  TraceQL: "queries",
};

/** The load of one kind. */
export interface KindPlan {
  /** Items that one request has. */
  batch: number;
  /** Requests a minute in each step; k6 takes whole numbers only. */
  requestsPerMinute: number[];
  /** Virtual users that k6 begins with, and how many it may make while answers are slow. */
  vus: { first: number; most: number };
  /** Whether marked signals are written and looked for. */
  probed: boolean;
}

/** All that the script is told. */
export interface Plan {
  /** Tells this run's signals from those of others. */
  run: string;
  steps: number;
  /** Seconds of a step. */
  seconds: number;
  kinds: Partial<Record<Kind, KindPlan>>;
  /** Active series in each step. */
  series: number[];
  /** Seconds between two samples of a series. */
  interval: number;
  /** Streams that the lines are spread over. */
  streams: number;
  spansPerTrace: number;
  /** Milliseconds between an answer and the next look for marked signals: what the ingest-to-query times are exact to. */
  look: number;
  /** Seconds that are waited at the end for marked signals that were not found. */
  patience: number;
  urls: { loki: string; mimir: string; tempo: string; otlp: string };
  /** Where the script asks k6 itself how far it is. */
  status: string;
}

/** Seconds between two samples of a series, the interval at which agents usually scrape. */
export const interval = 15;

/** Items in a request at most: what agents send at once, and what k6 still writes as JSON in a few milliseconds. */
const largest: Record<Kind, number> = {
  logs: 100,
  metrics: 500,
  traces: 100,
  LogQL: 1,
  PromQL: 1,
  TraceQL: 1,
};

const limits: Record<keyof LoadOptions, [least: number, most: number]> = {
  logs: [0, 1_000_000],
  series: [0, 10_000_000],
  spans: [0, 1_000_000],
  queries: [0, 1000],
  steps: [1, 20],
  duration: [10, 3600],
};

/**
 * The options as numbers.
 *
 * @param given texts of the command line, by the option's name
 * @throws UserError naming the first option that is no number or out of its limits, or that nothing is asked for
 */
export function readOptions(given: Record<keyof LoadOptions, string>): LoadOptions {
  const entries = Object.entries(limits).map(([name, [least, most]]) => {
    const text = given[name as keyof LoadOptions];
    // A share of a query each second is a rate, half a step is nothing.
    const value = /^\d+$/.test(text) || (name === "queries" && /^\d+\.\d+$/.test(text)) ? Number(text) : NaN;
    if (!(value >= least && value <= most))
      throw new UserError(
        `--${name} is "${text}"; allowed is a ${name === "queries" ? "" : "whole "}number from ${least} to ${most}`,
      );
    return [name, value] as const;
  });
  const options = Object.fromEntries(entries) as unknown as LoadOptions;
  const { logs, series, spans, queries } = options;
  if (logs + series + spans + queries === 0)
    throw new UserError("--logs, --series, --spans and --queries are all 0: there is nothing to load with");
  return options;
}

/** Items a second of each kind in the last step. */
const highest = ({ logs, series, spans, queries }: LoadOptions): Record<Kind, number> => ({
  logs,
  metrics: series / interval,
  traces: spans,
  LogQL: queries / 3,
  PromQL: queries / 3,
  TraceQL: queries / 3,
});

/** Virtual users: half a second of requests to begin with, ten seconds of them at most; each costs k6 memory. */
function vusFor(requestsPerMinute: number): KindPlan["vus"] {
  const bounded = (seconds: number, least: number, most: number) =>
    Math.min(most, Math.max(least, Math.ceil((requestsPerMinute / 60) * seconds)));
  return { first: bounded(0.5, 2, 50), most: bounded(10, 10, 300) };
}

function kindPlan(kind: Kind, rate: number, steps: number): KindPlan {
  const batch = Math.min(largest[kind], Math.max(1, Math.floor(rate / steps)));
  const requestsPerMinute = Array.from({ length: steps }, (_, index) =>
    Math.max(1, Math.round(((rate * (index + 1)) / steps / batch) * 60)),
  );
  const probed = kind === "logs" || kind === "metrics" || kind === "traces";
  return { batch, requestsPerMinute, vus: vusFor(requestsPerMinute.at(-1) ?? 0), probed };
}

/** The plan for what was asked. @param run @default eight letters and digits by chance */
export function planOf(
  settings: Settings,
  options: LoadOptions,
  run: string = randomBytes(4).toString("hex"),
): Plan {
  const { steps, duration, series } = options;
  const rates = highest(options);
  return {
    run,
    steps,
    seconds: duration,
    kinds: Object.fromEntries(
      kinds.filter((kind) => rates[kind] > 0).map((kind) => [kind, kindPlan(kind, rates[kind], steps)]),
    ),
    series: Array.from({ length: steps }, (_, index) => Math.ceil((series * (index + 1)) / steps)),
    interval,
    streams: 10,
    spansPerTrace: 10,
    look: 500,
    patience: 30,
    urls: {
      loki: urls(settings).loki,
      mimir: urls(settings).mimir,
      tempo: urls(settings).tempo,
      otlp: servedUrls(settings).otlpHttp,
    },
    status: "http://127.0.0.1:6565/v1/metrics",
  };
}

/** Items a second that a step asks of a kind; 0 where the kind is left out. @param step from 1 */
export function askedRate(plan: Plan, kind: Kind, step: number): number {
  const { batch = 0, requestsPerMinute = [] } = plan.kinds[kind] ?? {};
  return (batch * (requestsPerMinute[step - 1] ?? 0)) / 60;
}

/** Seconds that a run may take at most, from its beginning to its summary. */
export const longest = ({ steps, seconds, patience }: Plan): number => steps * seconds + patience + 120;
