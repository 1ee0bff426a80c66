/** Stored metrics that nothing reads, with their series. */
import read from "../../../values/kept-metrics.json";
import { synthetic } from "./judge";
import type { Reading } from "./model";
import { matches, metricsOf, parse } from "./promql";
import type { Cost } from "./stores";

/** A name that no metric has: a selector that matches it selects no particular metric. */
const nobody = "zz_nobody_zz";

/** The metrics that queries name. */
export function namedBy(readings: Reading[], known: string[]): Set<string> {
  const all = new Set(known);
  const found = new Set<string>();
  for (const { expr } of readings) {
    try {
      for (const selector of parse(expr).selectors) {
        if (metricsOf(selector, [nobody]).length) continue;
        const one = selector.metric;
        if (one === undefined) for (const name of metricsOf(selector, known)) found.add(name);
        else if (all.has(one)) found.add(one);
      }
    } catch {
      // The report names queries that the grammar does not understand.
    }
  }
  return found;
}

/** Metrics that nothing reads, the largest first, with their series and the share in those of Mimir's raw tenants. */
export function unreadMetrics(readings: Reading[], mimir: Cost, prometheus: Cost) {
  const stored = [...new Set([...mimir.metrics.keys(), ...prometheus.metrics.keys()])];
  const recorded = new Set(readings.flatMap(({ records }) => records ?? []));
  const named = namedBy(readings, stored);
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
