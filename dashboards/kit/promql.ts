/** PromQL that many panels share. */
import { rolledTenants } from "../../names";

/** Matcher of every selector. */
export const inCluster = 'cluster=~"$cluster"';

/** Matchers of the series of a namespace of the stack; more may follow after a comma. */
export const within = (namespace: string) => `${inCluster}, namespace="${namespace}"`;

const grouped = (by?: string) => (by ? ` by (${by})` : "");

/** Increase of a counter per second. */
export const rate = (counter: string, by?: string) =>
  `sum${grouped(by)} (rate(${counter}[$__rate_interval]))`;

/** The same for a counter that exists only after the first event: zero until then. */
export const rateOrZero = (counter: string) => `(${rate(counter)} or vector(0))`;

/**
 * Increase of a counter over the time range; zero if the counter does not exist. Counters of failures often exist only
 * after the first one: `increase` does not see their first value.
 */
export const grownOrZero = (counter: string) =>
  `(sum(increase(${counter}[$__range]) > 0 or (${counter} unless ${counter} offset $__range)) or vector(0))`;

/** The share of events that failed; no value without events, so that there is no division by zero. */
export const share = (wrong: string, all: string) => `${rateOrZero(wrong)} / (${rate(all)} > 0)`;

/** A quantile of a histogram; no value without observations, where Prometheus returns NaN. */
export const quantile = (part: number, buckets: string, by?: string) =>
  `histogram_quantile(${part}, sum by (${by ? `le, ${by}` : "le"}) (rate(${buckets}[$__rate_interval]))) >= 0`;

/** Median, p95 and p99 of a histogram, by legend. */
export const quantiles = (buckets: string) => ({
  p50: quantile(0.5, buckets),
  p95: quantile(0.95, buckets),
  p99: quantile(0.99, buckets),
});

/** Seconds since a timestamp; no value while the timestamp is zero. */
export const since = (timestamp: string) => `time() - (${timestamp} > 0)`;

/** Seconds since the newest sample of the tenant with the oldest data. Downsampled series are always minutes old. */
export const sampleAge = (labels: string) =>
  `time() - min(max by (user) (cortex_distributor_latest_seen_sample_timestamp_seconds{${labels}, user!~"${rolledTenants.join("|")}"}))`;

/** Seconds between the newest collected and the newest sent sample; no value until something was sent. */
export const remoteWriteLag = (labels: string) =>
  `max by (pod, component_path) (prometheus_remote_storage_queue_highest_timestamp_seconds{${labels}} ` +
  `- (prometheus_remote_storage_queue_highest_sent_timestamp_seconds{${labels}} > 0))`;

/** The series of a query with a text for a label that some of them lack, so that each has a name. */
export const named = (expr: string, label: string, text = "unknown") =>
  `label_replace(${expr}, "${label}", "${text}", "${label}", "^$")`;
