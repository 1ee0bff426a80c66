/** Rules about rollups. */
import type { z } from "zod";
import { type Check, problem } from "./check";
import { type rollups, rollupTenants } from "./rollups";
import { goDuration } from "./units";

type Rollups = z.output<typeof rollups>;
const twice = ({ gauges, counters }: Rollups) => gauges.filter((name) => counters.includes(name));

/** A metric is either a gauge or a counter. */
const rollupKinds: Check = ({ mimir: { rollups } }) =>
  problem(
    twice(rollups).length > 0,
    "mimir.rollups.counters",
    twice(rollups),
    "metrics that are not among mimir.rollups.gauges: counters have no average",
  );

const rollupMetrics: Check = ({ mimir: { rollups } }) =>
  problem(
    rollups.enabled && rollups.gauges.length + rollups.counters.length === 0,
    "mimir.rollups.gauges",
    [],
    "at least one metric here or in mimir.rollups.counters, because mimir.rollups.enabled is true",
  );

/** After mimir.limits.outOfOrder Mimir rejects late samples, so a longer delay has no use. */
const rollupDelay: Check = ({ mimir: { rollups, limits } }) =>
  problem(
    rollups.delay > limits.outOfOrder,
    "mimir.rollups.delay",
    goDuration(rollups.delay),
    `at most mimir.limits.outOfOrder, ${goDuration(limits.outOfOrder)}: Mimir rejects later samples`,
  );

/** A tenant's own limits are set in one place only. */
const rollupTenantsOwn: Check = ({ mimir: { tenants } }) =>
  Object.values(rollupTenants).flatMap((tenant) =>
    problem(
      tenant in tenants,
      `mimir.tenants.${tenant}`,
      tenants[tenant],
      "nothing: mimir.rollups has the limits and retention of this tenant",
    ),
  );

/** Rules about rollups. */
export const rollupChecks: Check[] = [rollupKinds, rollupMetrics, rollupDelay, rollupTenantsOwn];
