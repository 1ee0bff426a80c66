/** PromQL on the metrics of spans: requests, failures and durations (RED) by labels such as `service` and `span_name`. */

const calls = (by: string, labels: string) =>
  `sum by (${by}) (rate(traces_spanmetrics_calls_total{${labels}}[$__rate_interval]))`;

/** Spans of those who answer: requests to a service, and messages that it takes. */
export const answering = 'span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"';

/** Spans a second. */
export const spanRate = (by: string, labels: string) => calls(by, labels);

/** Share of spans that failed; 0 where none did, which have no series of their own. */
export const spanFailures = (by: string, labels: string) =>
  `(${calls(by, `${labels}, status_code="STATUS_CODE_ERROR"`)} or 0 * ${calls(by, labels)}) / ${calls(by, labels)}`;

/** Seconds within which that share of spans, 0.95 for example, ended. */
export const spanSeconds = (share: number, by: string, labels: string) =>
  `histogram_quantile(${share}, sum by (${by}, le) (rate(traces_spanmetrics_latency_bucket{${labels}}[$__rate_interval])))`;
