/** PromQL on span metrics: rate, errors and duration (RED) by labels such as `service` and `span_name`. */

/** Aggregates over all services and clusters, for numbers that have one value. */
export const overall = "";

const calls = (by: string, labels: string) =>
  `sum by (${by}) (rate(traces_spanmetrics_calls_total{${labels}}[$__rate_interval]))`;

/** Spans of servers and message consumers. */
export const answering = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"';

/** Spans per second. */
export const spanRate = (by: string, labels: string) => calls(by, labels);

/** Error rate of spans: 0 without errors, no value without spans. */
export const spanFailures = (by: string, labels: string) =>
  `(${calls(by, `${labels}, status_code="STATUS_CODE_ERROR"`)} or 0 * ${calls(by, labels)}) / (${calls(by, labels)} > 0)`;

/** A quantile of the duration of spans, in seconds; no value without spans. */
export const spanSeconds = (share: number, by: string, labels: string) =>
  `histogram_quantile(${share}, sum by (${[by, "le"].filter(Boolean).join(", ")}) (rate(traces_spanmetrics_latency_bucket{${labels}}[$__rate_interval]))) >= 0`;
