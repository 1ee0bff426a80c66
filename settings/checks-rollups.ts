/** Rules about roll-ups. */
import type { z } from "zod";
import { type Check, problem } from "./check";
import { type rollups, rollupTenants } from "./rollups";
import { goDuration } from "./units";

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
