/** Roll-ups: long-range copies of chosen metrics. */
import { group, list, text, wholeNumber, yesNo } from "./fields";
import { duration } from "./units";

/** Tenants of Mimir that hold the roll-ups; their limits and retention are `mimir.rollups`, not `mimir.tenants`. */
export const rollupTenants = { fiveMinutes: "rollup-5m", oneHour: "rollup-1h" } as const;

/** A metric's name: https://prometheus.io/docs/concepts/data_model/ */
const metric = () => text("the name of a metric", /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);

const retention = (what: string) =>
  group({ retention: duration().describe(`How long the roll-up of ${what} is kept`) }).describe(
    `One sample of each series every ${what}`,
  );

/** Settings of the roll-ups. */
export const rollups = group({
  enabled: yesNo().describe("Whether Mimir's ruler makes roll-ups for dashboards that look far back"),
  gauges: list(metric(), "a list of metrics").describe("Metrics that go up and down: their average is kept"),
  counters: list(metric(), "a list of metrics").describe(
    "Metrics that only grow, also buckets of histograms: their last value is kept, so that rate() works",
  ),
  delay: duration().describe(
    "How long a roll-up waits for samples that come late; at most mimir.limits.outOfOrder, after which Mimir takes none",
  ),
  series: wholeNumber(1, 1_000_000_000).describe("Series that each roll-up may have at a time"),
  fiveMinutes: retention("5 minutes"),
  oneHour: retention("hour"),
}).describe("Roll-ups of the tenants pods and nodes, each in a tenant of its own: rollup-5m and rollup-1h");
