/** Limits of single tenants of Mimir and Tempo. */
import { group, wholeNumber } from "./fields";
import { byteRate, duration, size } from "./units";

export const seriesLimit = () => wholeNumber(1, 1_000_000_000);

/** What a tenant of Mimir may have of its own. */
export const mimirTenant = group({
  series: seriesLimit().optional().describe("Series; without it mimir.limits.series"),
  samplesPerSecond: seriesLimit()
    .optional()
    .describe("Samples a second; without it mimir.limits.samplesPerSecond"),
  burst: seriesLimit().optional().describe("Samples at once; without it mimir.limits.burst"),
  retention: duration().optional().describe("How long its metrics are kept; without it mimir.retention"),
});

export const traceLimits = (withDefault: (what: string) => string) => ({
  rate: byteRate().describe(withDefault("Spans that a tenant may write, in bytes")),
  burst: byteRate().describe(withDefault("Spans that a tenant may write at once, in bytes")),
  traceSize: size().describe(withDefault("Maximum size of a trace; spans beyond it are discarded")),
  liveTraces: seriesLimit().describe(
    withDefault("Maximum number of live traces per tenant and ingester; further traces are rejected"),
  ),
});

/** What a tenant of Tempo may have of its own. */
export const tempoTenant = group({
  ...group(traceLimits((what) => `${what}; without it tempo.limits has it`)).partial().shape,
  retention: duration().optional().describe("How long its traces are kept; without it tempo.retention"),
});
