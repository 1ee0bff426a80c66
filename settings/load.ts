/** What a stack is expected to take. Nothing is installed by it: `obs size` and the warnings of a preview go by it. */
import type { z } from "zod";
import { group, wholeNumber } from "./fields";
import { count, dailyVolume, perSecond } from "./units";

export const load = group({
  series: count()
    .optional()
    .describe("Series at a time, of all tenants; without it as many as the samples make"),
  samples: perSecond()
    .optional()
    .describe("Samples; without it each series every alloyMetrics.scrapeInterval"),
  queries: perSecond()
    .optional()
    .describe("Queries of metrics; without it 5 a second for each million series"),
  logs: dailyVolume().optional().describe("Lines that Loki receives, in bytes before compression"),
  spans: perSecond()
    .optional()
    .describe("Spans that Tempo receives, after sampling; counted as 500 bytes each"),
  nodes: wholeNumber(1, 10_000)
    .optional()
    .describe("Nodes of the cluster, each with an Alloy of its own for logs"),
}).describe("What the stack is expected to take; a preview warns where the settings are too small for it");

type Expected = z.output<typeof load>;

/** What is measured, and with it everything that follows from one of its numbers. */
export type Signal = "metrics" | "logs" | "traces";

/** A load with everything said: what follows from the rest is filled in, a signal that is not expected is 0. */
export interface Load {
  series: number;
  /** A second. */
  samples: number;
  /** Of metrics, a second. */
  queries: number;
  /** Bytes a day. */
  logs: number;
  /** A second. */
  spans: number;
}

/** https://github.com/grafana/mimir/blob/main/operations/helm/charts/mimir-distributed/small.yaml: "around 5 queries per second" at "~1M series" */
const queriesPerMillion = 5;
/** "For a typical span size of around 500 bytes": https://grafana.com/docs/tempo/next/operations/manage-trace-ingestion/ */
export const spanBytes = 500;
/** What is expected, with everything that follows from it. */
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

/** The signals of which a load has any. */
export const signalsOf = ({ samples, queries, logs, spans }: Load): Signal[] => [
  ...(samples + queries > 0 ? (["metrics"] as const) : []),
  ...(logs > 0 ? (["logs"] as const) : []),
  ...(spans > 0 ? (["traces"] as const) : []),
];
