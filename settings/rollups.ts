/** Roll-ups: long-range copies of chosen metrics, and the rules that their settings keep to. */
import type { z } from "zod";
import { type Check, problem } from "./check";
import { group, list, text, wholeNumber, yesNo } from "./fields";
import { duration, goDuration } from "./units";

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

type Rollups = z.output<typeof rollups>;
const twice = ({ gauges, counters }: Rollups) => gauges.filter((name) => counters.includes(name));

/** A metric has one kind. */
const rollupKinds: Check = ({ mimir: { rollups } }) =>
  problem(
    twice(rollups).length > 0,
    "mimir.rollups.counters",
    twice(rollups),
    "metrics that are not among mimir.rollups.gauges: of a counter no average is kept",
  );

const rollupMetrics: Check = ({ mimir: { rollups } }) =>
  problem(
    rollups.enabled && rollups.gauges.length + rollups.counters.length === 0,
    "mimir.rollups.gauges",
    [],
    "at least one metric here or in mimir.rollups.counters, because mimir.rollups.enabled is true",
  );

/** Nothing comes any more for what waits longer. */
const rollupDelay: Check = ({ mimir: { rollups, limits } }) =>
  problem(
    rollups.delay > limits.outOfOrder,
    "mimir.rollups.delay",
    goDuration(rollups.delay),
    `at most mimir.limits.outOfOrder, ${goDuration(limits.outOfOrder)}: Mimir takes no later sample`,
  );

/** One place says what a tenant has of its own. */
const rollupTenantsOwn: Check = ({ mimir: { tenants } }) =>
  Object.values(rollupTenants).flatMap((tenant) =>
    problem(
      tenant in tenants,
      `mimir.tenants.${tenant}`,
      tenants[tenant],
      "nothing: limits and retention of this tenant are mimir.rollups",
    ),
  );

/** Rules that join settings of roll-ups. */
export const rollupChecks: Check[] = [rollupKinds, rollupMetrics, rollupDelay, rollupTenantsOwn];
