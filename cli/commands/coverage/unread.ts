/** Stored metrics that nothing reads, with their series. */
import read from "../../../values/kept-metrics.json";
import { synthetic } from "./judge";
import type { Reading } from "./model";
import { matches, metricsOf, parse } from "./promql";
import type { Cost } from "./stores";

/** A name that no metric has: a selector that matches it selects no particular metric. */
const nobody = "zz_nobody_zz";

/** The metrics that a query names. */
function namedIn({ expr }: Reading, known: string[]): string[] {
  try {
    return parse(expr).selectors.flatMap((selector) => {
      if (metricsOf(selector, [nobody]).length) return [];
      return selector.metric ?? metricsOf(selector, known);
    });
  } catch {
    // The report names queries that the grammar does not understand.
    return [];
  }
}

/** Metrics that nothing reads, the largest first, with their series and the share in those of Mimir's raw tenants. */
export function unreadMetrics(readings: Reading[], mimir: Cost, prometheus: Cost) {
  const stored = [...new Set([...mimir.metrics.keys(), ...prometheus.metrics.keys()])];
  const recorded = new Set(readings.flatMap(({ records }) => records ?? []));
  const named = new Set(readings.flatMap((reading) => namedIn(reading, stored)));
  // Rules, dashboards, commands and pages of this stack.
  const ofStack = (name: string) => matches(read.join("|"), name);
  return stored
    .filter((name) => !synthetic.test(name) && !recorded.has(name) && !named.has(name) && !ofStack(name))
    .map((metric) => ({
      metric,
      mimir: mimir.metrics.get(metric) ?? 0,
      prometheus: prometheus.metrics.get(metric) ?? 0,
      share: mimir.total ? (mimir.metrics.get(metric) ?? 0) / mimir.total : 0,
    }))
    .sort((a, b) => b.mimir - a.mimir || b.prometheus - a.prometheus || (a.metric < b.metric ? -1 : 1));
}
