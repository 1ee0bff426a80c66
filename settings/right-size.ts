/**
 * The size of each component for a declared load, as settings. Sizes start from the environment's defaults, not from
 * the stack's own settings, so that a second run gives the same result. docs/guides/sizing.md explains the rules.
 */
import { dev } from "./dev";
import { type ConfiguredSize, components, configuredSize, type Fit, fits, maximumReplicas } from "./fit";
import { spanBytes, wholeLoad } from "./load";
import { prod } from "./prod";
import { mimirProtection } from "./protection";
import { type Settings, schema } from "./schema";
import { type Tree, valueAt } from "./tree";
import { byteRateText, cpuQuantity, day, quantity } from "./units";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

const up = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Minimum resources of a component at any load. */
const least = { cpu: 50, memory: 128 * MiB, memoryLimit: GiB };
/**
 * Minimum CPU of a querier that an autoscaler scales by its utilization: any dashboard takes 70 % of the 50m above, and would scale
 * it to the maximum.
 */
const leastScaled = 250;
/** Minimum share of the defaults for a component without a formula. */
const leastShare = 0.1;
/**
 * The largest replica, which leaves capacity for other pods on a node of 4 cores and 16 GiB; a larger load gets more
 * replicas. A memory limit above that of the node would never take effect: the node runs out of memory first.
 */
const largest = { cpu: 3000, memory: 8 * GiB, memoryLimit: 12 * GiB };
/** Load of the busiest minutes, as a multiple of the average. */
const peak = 2;

/** Share of a limit at which its alert fires: alerts/limits.yaml. */
const alertAt = 0.8;

/** A setting and its value, as in a stack file. */
export interface Sized {
  path: string;
  value: string | number;
}

const scaledByCpu = (component: string, has?: ConfiguredSize): boolean =>
  component.endsWith(".querier") && has !== undefined && maximumReplicas(has) > has.replicas;
const cores = (component: string, has: ConfiguredSize | undefined, millicores: number): number =>
  up(Math.max(scaledByCpu(component, has) ? leastScaled : least.cpu, millicores), 50);
const bytes = (needed: number, atLeast: number): number =>
  up(Math.max(atLeast, needed), needed > 4 * GiB ? GiB : 64 * MiB);
const text: Record<string, (value: number) => string | number> = {
  cpu: cpuQuantity,
  memory: quantity,
  memoryLimit: quantity,
  disk: quantity,
};
const settingsOf = (component: string, values: Record<string, number>): Sized[] =>
  Object.entries(values).map(([name, value]) => ({
    path: `${component}.${name}`,
    value: text[name]?.(value) ?? value,
  }));
const at = (settings: Settings, component: string): Tree => valueAt(settings, component.split(".")) as Tree;

/**
 * A component with a published formula: its needs, distributed over its replicas. Those of an autoscaled one are its minimum, which
 * runs the declared load; the others are for peaks. A volume only grows: Kubernetes cannot shrink it.
 */
function byFormula({ component, needs, replicas: scalable, has }: Fit, defaults: Settings) {
  if (!has) return {};
  const standard = at(defaults, component);
  const ratio = Number(standard["memoryLimit"]) / Number(standard["memory"]);
  const { cpu = 0, memory = 0 } = needs;
  const enough = [cpu / largest.cpu, memory / largest.memory, (memory * ratio) / largest.memoryLimit];
  const replicas = Math.max(has.replicas, ...(scalable === undefined ? [] : enough.map(Math.ceil)));
  const each = (amount = 0): number => amount / replicas;
  const request = bytes(each(memory), least.memory);
  const disk = up(each(needs.disk), GiB);
  return {
    ...(replicas > has.replicas && { replicas }),
    ...(has.maxReplicas !== undefined && has.maxReplicas < replicas && { maxReplicas: replicas }),
    ...(needs.cpu !== undefined && { cpu: cores(component, has, each(needs.cpu)) }),
    ...(needs.memory !== undefined && {
      memory: request,
      // A component whose replicas are fixed may need more than the largest replica.
      memoryLimit: Math.max(
        request,
        Math.min(largest.memoryLimit, bytes(each(memory) * ratio, least.memoryLimit)),
      ),
    }),
    ...(disk > (has.disk ?? 0) && { disk }),
  };
}

/** The declared load as a share of the load that the defaults admit. */
function shareOf(settings: Settings, { mimir, loki, tempo }: Settings): number {
  const { series, logs, spans } = wholeLoad(settings);
  const shares = [
    series / mimir.limits.series,
    logs / day / loki.ingestionRate,
    (spans * spanBytes) / tempo.limits.rate,
  ];
  return Math.min(1, Math.max(leastShare, ...shares));
}

/** A component without a formula: its default requests in proportion, of a cache the size of its items. Limits do not change. */
function inProportion(component: string, share: number, settings: Settings, defaults: Settings) {
  const has = configuredSize(settings, component);
  const { cpu, memory } = at(defaults, component) as Partial<Record<string, number>>;
  return {
    ...(cpu !== undefined && { cpu: Math.min(cpu, cores(component, has, cpu * share)) }),
    ...(memory !== undefined && { memory: Math.min(memory, bytes(memory * share, 64 * MiB)) }),
  };
}

/** Limits of a tenant: at most the series that the ingesters hold, and rates of at least the declared load. */
function limitsFor(settings: Settings, ingester: Partial<Settings["mimir"]["ingester"]>): Sized[] {
  const { mimir, loki, tempo } = settings;
  const { series, samples, logs, spans } = wholeLoad(settings);
  const sized = { ...mimir, ingester: { ...mimir.ingester, ...ingester } };
  const { carried } = mimirProtection({ ...settings, mimir: sized });
  const atLeast = (
    path: string,
    has: number,
    needed: number,
    as: (value: number) => string | number,
  ): Sized[] => (has < needed ? [{ path, value: as(needed) }] : []);
  const samplesPeak = Math.ceil(samples * peak);
  const linesPeak = up((logs / day) * peak, MiB);
  const spansPeak = up(spans * spanBytes * peak, MiB);
  return [
    ...(series > 0 && (mimir.limits.series > carried || mimir.limits.series * alertAt < series)
      ? [{ path: "mimir.limits.series", value: carried }]
      : []),
    ...atLeast("mimir.limits.samplesPerSecond", mimir.limits.samplesPerSecond, samplesPeak, Number),
    ...atLeast("mimir.limits.burst", mimir.limits.burst, samplesPeak, Number),
    ...atLeast("loki.ingestionRate", loki.ingestionRate, linesPeak, byteRateText),
    ...atLeast("loki.ingestionBurst", loki.ingestionBurst, linesPeak * peak, byteRateText),
    ...atLeast("tempo.limits.rate", tempo.limits.rate, spansPeak, byteRateText),
    ...atLeast("tempo.limits.burst", tempo.limits.burst, spansPeak * peak, byteRateText),
  ];
}

/**
 * The settings that give every component of the stack the size for `load`, including those that already have it.
 *
 * @param settings with `load`; the stack's own replicas are the minimum
 */
export function rightSize(settings: Settings): Sized[] {
  const { environment } = settings;
  const defaults = schema.parse({ ...{ dev, prod }[environment], environment });
  const share = shareOf(settings, defaults);
  const fitted = new Map(fits(settings).map((fit) => [fit.component, byFormula(fit, defaults)]));
  const sized = components(settings)
    .filter(
      (component) => (configuredSize(settings, component)?.replicas ?? 0) > 0 && at(defaults, component),
    )
    .flatMap((component) =>
      settingsOf(component, {
        ...inProportion(component, share, settings, defaults),
        ...fitted.get(component),
      }),
    );
  return [...sized, ...limitsFor(settings, fitted.get("mimir.ingester") ?? {})];
}
