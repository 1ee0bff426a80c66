/** Rollups: downsampled long-term copies of selected metrics. */
import { group, list, text, wholeNumber, yesNo } from "./fields";
import { duration } from "./units";

/** Tenants of Mimir for the rollups; their limits and retention are in `mimir.rollups`, not `mimir.tenants`. */
export const rollupTenants = { fiveMinutes: "rollup-5m", oneHour: "rollup-1h" } as const;

/** A metric's name: https://prometheus.io/docs/concepts/data_model/ */
const metric = () => text("the name of a metric", /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);

const retention = (what: string) =>
  group({ retention: duration().describe(`Retention of the rollup of ${what}`) }).describe(
    `One sample of each series every ${what}`,
  );

/** Settings of the rollups. */
export const rollups = group({
  enabled: yesNo().describe("Whether Mimir's ruler creates rollups for dashboards with long time ranges"),
  gauges: list(metric(), "a list of metrics").describe("Gauges: their average is kept"),
  counters: list(metric(), "a list of metrics").describe(
    "Counters, including buckets of histograms: their last value is kept, so that rate() works",
  ),
  delay: duration().describe(
    "How long a rollup waits for late samples; at most mimir.limits.outOfOrder, after which Mimir rejects them",
  ),
  series: wholeNumber(1, 1_000_000_000).describe("Maximum number of active series of each rollup"),
  fiveMinutes: retention("5 minutes"),
  oneHour: retention("hour"),
}).describe("Downsampled metrics of the tenants pods and nodes, in the tenants rollup-5m and rollup-1h");
