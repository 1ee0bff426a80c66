/** The largest load that a stack can carry with its settings. */
import { hasOf, most, type Resource, resources } from "./fit";
import { type Load, type Signal, spanBytes, wholeLoad } from "./load";
import { mimirProtection } from "./protection";
import type { Settings } from "./schema";
import { formulas } from "./sizing";
import { day } from "./units";

/** The largest load of one signal for one component. */
export interface Capacity {
  /** Path of the component's settings. */
  component: string;
  signal: Signal;
  /** Series, bytes per day, or spans per second. */
  carries: number;
  /** The bottleneck. */
  by: Resource | "limit";
}

/** The number that expresses a load of each signal. */
const told = { metrics: "series", logs: "logs", traces: "spans" } as const;
const ofSize = (settings: Settings, signal: Signal, size: number): Load =>
  wholeLoad({ ...settings, load: { [told[signal]]: size } });

/** The largest number that passes; all smaller ones pass as well. */
function largest(passes: (size: number) => boolean): number {
  let [low, high] = [0, 1];
  while (passes(high) && high < 1e18) [low, high] = [high, high * 2];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (passes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The stack's own limits as loads. Limits apply to a single tenant: the largest counts. */
function limits(settings: Settings): Capacity[] {
  const { mimir, tempo, loki, alloyMetrics } = settings;
  const samples = Math.max(
    mimir.limits.samplesPerSecond,
    ...Object.values(mimir.tenants).map(({ samplesPerSecond = 0 }) => samplesPerSecond),
  );
  const series = Math.max(
    mimir.limits.series,
    ...Object.values(mimir.tenants).map(({ series = 0 }) => series),
  );
  const rate = Math.max(tempo.limits.rate, ...Object.values(tempo.tenants).map(({ rate = 0 }) => rate));
  const by = "limit" as const;
  return [
    { component: "mimir.ingester", signal: "metrics", carries: mimirProtection(settings).carried, by },
    { component: "mimir.limits.series", signal: "metrics", carries: series, by },
    {
      component: "mimir.limits.samplesPerSecond",
      signal: "metrics",
      carries: samples * alloyMetrics.scrapeInterval,
      by,
    },
    { component: "loki.ingestionRate", signal: "logs", carries: loki.ingestionRate * day, by },
    { component: "tempo.limits.rate", signal: "traces", carries: rate / spanBytes, by },
  ];
}

/** The load of each signal alone that the settings carry, by component, bottlenecks first. */
export function capacity(settings: Settings): Capacity[] {
  const sized = formulas.flatMap(({ component, signals, needs }) => {
    const has = hasOf(settings, component);
    if (!has) return [];
    return signals.map((signal): Capacity => {
      const ends = resources
        .filter((resource) => needs(ofSize(settings, signal, 1), settings)[resource] !== undefined)
        .map((resource) => {
          const enough = (has[resource] ?? 0) * most(has);
          const passes = (size: number) =>
            (needs(ofSize(settings, signal, size), settings)[resource] ?? 0) <= enough;
          return { by: resource, carries: largest(passes) };
        });
      const [first = { by: "cpu" as const, carries: 0 }] = ends.sort((a, b) => a.carries - b.carries);
      return { component, signal, ...first };
    });
  });
  return [...sized, ...limits(settings)].sort((a, b) => a.carries - b.carries);
}
