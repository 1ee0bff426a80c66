/** Pieces of PromQL that most panels have. */

/** What every selector carries. */
export const inCluster = 'cluster=~"$cluster"';

/** Matchers of what a namespace of the stack says of itself; more may follow after a comma. */
export const within = (namespace: string) => `${inCluster}, namespace="${namespace}"`;

const grouped = (by?: string) => (by ? ` by (${by})` : "");

/** How fast a counter grows each second. */
export const rate = (counter: string, by?: string) =>
  `sum${grouped(by)} (rate(${counter}[$__rate_interval]))`;

/** The same for what is counted from the first time on that it happens: until then it is zero. */
export const rateOrZero = (counter: string) => `(${rate(counter)} or vector(0))`;

/** How much a counter grew in the range that the dashboard shows; zero where nothing was counted. */
export const grownOrZero = (counter: string) => `(sum(increase(${counter}[$__range])) or vector(0))`;

/** The share of what a counter counts that went wrong; nothing where nothing was done. */
export const share = (wrong: string, all: string) => `${rateOrZero(wrong)} / (${rate(all)} > 0)`;

/** What that part of a histogram's observations is below. */
export const quantile = (part: number, buckets: string, by?: string) =>
  `histogram_quantile(${part}, sum by (${by ? `le, ${by}` : "le"}) (rate(${buckets}[$__rate_interval])))`;

/** Half of the observations, nearly all, and all but one in a hundred are below: by legend. */
export const quantiles = (buckets: string) => ({
  p50: quantile(0.5, buckets),
  p95: quantile(0.95, buckets),
  p99: quantile(0.99, buckets),
});

/** How long ago a point in time was; nothing while it was never. */
export const since = (timestamp: string) => `time() - (${timestamp} > 0)`;
