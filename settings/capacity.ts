/** The largest load that a stack can carry with its settings. */
import { configuredSize, maximumReplicas, type Resource, resources } from "./fit";
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

/**
 * The load that the limits of the tenants admit. The signals of the stack's own cluster may all be one tenant's, of which
 * the largest counts; those of an agent are a tenant's, too.
 */
export function admitted({ agents, mimir, loki, tempo }: Settings) {
  const sending = Object.values(agents).filter(({ removed }) => !removed);
  const sum = (limit: number, own: (number | undefined)[], ofAgents: (number | undefined)[]) =>
    ofAgents.reduce<number>(
      (total, one) => total + (one ?? limit),
      Math.max(limit, ...own.map((one) => one ?? 0)),
    );
  const metrics = (key: "series" | "samplesPerSecond") =>
    sum(
      mimir.limits[key],
      Object.values(mimir.tenants).map((own) => own[key]),
      sending.map((agent) => agent.mimir?.[key]),
    );
  return {
    /** Tenants that it may be spread over. */
    tenants: 1 + sending.length,
    series: metrics("series"),
    /** Per second. */
    samples: metrics("samplesPerSecond"),
    /** Bytes of lines per second. */
    lines: sum(
      loki.ingestionRate,
      [],
      sending.map((agent) => agent.loki?.ingestionRate),
    ),
    /** Bytes of spans per second. */
    spans: sum(
      tempo.limits.rate,
      Object.values(tempo.tenants).map(({ rate }) => rate),
      sending.map((agent) => agent.tempo?.rate),
    ),
  };
}

/** The stack's own limits as loads. */
function limits(settings: Settings): Capacity[] {
  const { series, samples, lines, spans } = admitted(settings);
  const by = "limit" as const;
  return [
    { component: "mimir.ingester", signal: "metrics", carries: mimirProtection(settings).carried, by },
    { component: "mimir.limits.series", signal: "metrics", carries: series, by },
    {
      component: "mimir.limits.samplesPerSecond",
      signal: "metrics",
      carries: samples * settings.alloyMetrics.scrapeInterval,
      by,
    },
    { component: "loki.ingestionRate", signal: "logs", carries: lines * day, by },
    { component: "tempo.limits.rate", signal: "traces", carries: spans / spanBytes, by },
  ];
}

/** The load of each signal alone that the settings carry, by component, bottlenecks first. */
export function capacity(settings: Settings): Capacity[] {
  const sized = formulas(settings).flatMap(({ component, signals, needs }) => {
    const has = configuredSize(settings, component);
    if (!has) return [];
    return signals.map((signal): Capacity => {
      const ends = resources
        .filter((resource) => needs(ofSize(settings, signal, 1), settings)[resource] !== undefined)
        .map((resource) => {
          const enough = (has[resource] ?? 0) * maximumReplicas(has);
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
