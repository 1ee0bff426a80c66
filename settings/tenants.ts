/** Limits of single tenants of Mimir and Tempo. */
import { group, wholeNumber } from "./fields";
import { byteRate, duration, size } from "./units";

export const seriesLimit = () => wholeNumber(1, 1_000_000_000);

/** Limits and retention of a Mimir tenant. */
export const mimirTenant = group({
  series: seriesLimit().optional().describe("Series; without it mimir.limits.series"),
  samplesPerSecond: seriesLimit()
    .optional()
    .describe("Samples per second; default mimir.limits.samplesPerSecond"),
  burst: seriesLimit().optional().describe("Burst of samples; default mimir.limits.burst"),
  retention: duration().optional().describe("Retention of its metrics; default mimir.retention"),
});

export const traceLimits = (withDefault: (what: string) => string) => ({
  rate: byteRate().describe(withDefault("Spans that a tenant may write, in bytes")),
  burst: byteRate().describe(withDefault("Spans that a tenant may write at once, in bytes")),
  traceSize: size().describe(withDefault("Maximum size of a trace; spans beyond it are discarded")),
  liveTraces: seriesLimit().describe(
    withDefault("Maximum number of live traces per tenant and ingester; further traces are rejected"),
  ),
});

/** Limits and retention of a Tempo tenant. */
export const tempoTenant = group({
  ...group(traceLimits((what) => `${what}; default: the same limit in tempo.limits`)).partial().shape,
  retention: duration().optional().describe("Retention of its traces; default tempo.retention"),
});
