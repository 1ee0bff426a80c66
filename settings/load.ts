/** The expected load of a stack. It does not change the installation: `obs size` and the warnings of a preview use it. */
import type { z } from "zod";
import { group, wholeNumber } from "./fields";
import { count, dailyVolume, perSecond } from "./units";

export const load = group({
  series: count()
    .optional()
    .describe("Active series of all tenants, including rollups; default: derived from samples"),
  samples: perSecond()
    .optional()
    .describe("Samples; default: one per series and alloyMetrics.scrapeInterval"),
  queries: perSecond()
    .optional()
    .describe("Queries of metrics; default: 5 per second for each million series"),
  logs: dailyVolume().optional().describe("Lines that Loki receives, in bytes before compression"),
  spans: perSecond()
    .optional()
    .describe("Spans that Tempo receives, after sampling; counted as 500 bytes each"),
  nodes: wholeNumber(1, 10_000).optional().describe("Nodes of the cluster; each runs an Alloy for logs"),
}).describe("The expected load of the stack; a preview warns if the settings are too small for it");

type Expected = z.output<typeof load>;

/** Kinds of signals. */
export type Signal = "metrics" | "logs" | "traces";

/** A complete load: missing numbers are derived from the others, and a signal that is not expected is 0. */
export interface Load {
  series: number;
  /** Per second. */
  samples: number;
  /** Queries of metrics, per second. */
  queries: number;
  /** Bytes per day. */
  logs: number;
  /** Per second. */
  spans: number;
}

/** https://github.com/grafana/mimir/blob/main/operations/helm/charts/mimir-distributed/small.yaml: "around 5 queries per second" at "~1M series" */
const queriesPerMillion = 5;
/** "For a typical span size of around 500 bytes": https://grafana.com/docs/tempo/next/operations/manage-trace-ingestion/ */
export const spanBytes = 500;
/** The expected load, including derived numbers. */
export function wholeLoad({
  load,
  alloyMetrics,
}: {
  load: Expected;
  alloyMetrics: { scrapeInterval: number };
}): Load {
  const { scrapeInterval } = alloyMetrics;
  const series = load.series ?? (load.samples ?? 0) * scrapeInterval;
  return {
    series,
    samples: load.samples ?? series / scrapeInterval,
    queries: load.queries ?? (series / 1e6) * queriesPerMillion,
    logs: load.logs ?? 0,
    spans: load.spans ?? 0,
  };
}

/** The signals that a load has. */
export const signalsOf = ({ samples, queries, logs, spans }: Load): Signal[] => [
  ...(samples + queries > 0 ? (["metrics"] as const) : []),
  ...(logs > 0 ? (["logs"] as const) : []),
  ...(spans > 0 ? (["traces"] as const) : []),
];
