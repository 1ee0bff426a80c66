/** Compares the configured size of each component with its needs at a load. */
import { installs } from "./agents";
import { type Load, type Signal, signalsOf, wholeLoad } from "./load";
import type { Settings } from "./schema";
import { type Amount, type Formula, formulas } from "./sizing";
import { valueAt } from "./tree";
import { megabytes } from "./units";

export type Resource = keyof Amount;
export const resources: Resource[] = ["cpu", "memory", "disk"];

/** Resources of each replica of a component; memory is the request, as in the published formulas. */
export interface ConfiguredSize extends Amount {
  replicas: number;
  /** Maximum number of replicas, if the component scales out under load. */
  maxReplicas?: number;
}

/** Whether the settings are sufficient; `unknown` if they do not state an amount. */
type Verdict = "too small" | "ok" | "too large" | "unknown";

/** A component compared with a load. */
export interface Fit {
  component: string;
  signals: Signal[];
  source: string;
  needs: Amount;
  has?: ConfiguredSize;
  verdict: Verdict;
  /** Resources of which it has too little. */
  lacks: Resource[];
  /** The fewest replicas of their size that are sufficient; undefined if replicas cannot be added. */
  replicas?: number;
}

/** Components whose number of replicas does not depend on load; their settings give the reason. */
const fixed = ["loki.compactor", "alloyLogs", "objectStorage.minio"];
/** Components that run on each node. */
export const onEachNode = ["alloyLogs", "cadvisor", "kubePrometheusStack.nodeExporter"];
/**
 * Memory of a memcached for an amount of cached items: a fifth more for memcached itself, in whole MiB.
 * https://github.com/grafana/mimir/blob/main/operations/helm/charts/mimir-distributed/values.yaml
 */
export const cacheMemory = (items: number): number => Math.ceil(megabytes(items) * 1.2) * 1024 ** 2;

/** The configured size of a component; undefined if it is not installed, or runs on an unknown number of nodes. */
export function configuredSize(settings: Settings, component: string): ConfiguredSize | undefined {
  const found = valueAt(settings, component.split(".")) as Record<string, unknown> | undefined;
  const absent =
    !installs(settings, component) ||
    (component === "objectStorage.minio" && settings.objectStorage.kind !== "minio");
  if (!found || absent || found["enabled"] === false) return undefined;
  const replicas = onEachNode.includes(component)
    ? settings.load.nodes
    : (found["replicas"] ?? found["servers"] ?? 1);
  if (replicas === undefined) return undefined;
  const { cpu, memory, disk, maxReplicas } = found as Partial<ConfiguredSize>;
  // A cache's memory setting is that of its items; it is the only component without a separate limit.
  const items = found["memoryLimit"] === undefined;
  return {
    replicas: Number(replicas),
    ...(maxReplicas !== undefined && { maxReplicas }),
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory: items ? cacheMemory(memory) : memory }),
    ...(disk !== undefined && { disk }),
  };
}

/** The maximum number of replicas. */
export const maximumReplicas = ({ replicas, maxReplicas }: ConfiguredSize): number =>
  Math.max(replicas, maxReplicas ?? 0);

/** A component is too large if it has this many times its needs, and more than these sizes. */
const generous = 4;
const modest: Required<Amount> = { cpu: 1000, memory: 1024 ** 3, disk: 100 * 1024 ** 3 };

function verdictOf(needs: Amount, has: ConfiguredSize): Pick<Fit, "verdict" | "lacks"> {
  const sized = resources.filter((resource) => needs[resource] !== undefined);
  const total = (resource: Resource) => (has[resource] ?? 0) * maximumReplicas(has);
  const lacks = sized.filter((resource) => total(resource) < (needs[resource] ?? 0));
  const large =
    sized.every((resource) => total(resource) >= generous * (needs[resource] ?? 0)) &&
    sized.some((resource) => total(resource) > modest[resource]);
  return { verdict: lacks.length ? "too small" : large ? "too large" : "ok", lacks };
}

/** A component compared with its needs. */
function fitOf({ component, signals, source, needs }: Formula, load: Load, settings: Settings): Fit {
  const needed = needs(load, settings);
  const has = configuredSize(settings, component);
  const about = { component, signals, source, needs: needed };
  if (!has) return { ...about, verdict: "unknown", lacks: [] };
  const replicas = Math.ceil(
    Math.max(
      1,
      ...resources.map((resource) => (needed[resource] ?? 0) / (has[resource] ?? Number.POSITIVE_INFINITY)),
    ),
  );
  return { ...about, has, ...verdictOf(needed, has), ...(!fixed.includes(component) && { replicas }) };
}

/** All components that the expected load concerns, compared with it. */
export function fits(settings: Settings): Fit[] {
  const load = wholeLoad(settings);
  const expected = signalsOf(load);
  return formulas(settings)
    .filter(({ signals }) => signals.some((signal) => expected.includes(signal)))
    .map((formula) => fitOf(formula, load, settings));
}

/** The sum of cores, memory and disk. */
export const sum = (amounts: Amount[]): Required<Amount> => {
  const of = (resource: Resource) => amounts.reduce((total, amount) => total + (amount[resource] ?? 0), 0);
  return { cpu: of("cpu"), memory: of("memory"), disk: of("disk") };
};

/** Resources of all replicas of a component together. */
export const total = ({ replicas, ...each }: ConfiguredSize): Amount =>
  Object.fromEntries(resources.map((resource) => [resource, (each[resource] ?? 0) * replicas]));

/** Paths of all settings that request memory. */
export const components = (node: unknown, path = ""): string[] =>
  typeof node !== "object" || node === null
    ? []
    : [
        ...("memory" in node ? [path] : []),
        ...Object.entries(node).flatMap(([key, child]) => components(child, path ? `${path}.${key}` : key)),
      ];

/** Installed components with their sizes; DaemonSets on one node if `load.nodes` is not set. */
function installed(settings: Settings): { component: string; has: ConfiguredSize }[] {
  const counted = { ...settings, load: { ...settings.load, nodes: settings.load.nodes ?? 1 } };
  return components(counted).flatMap((component) => {
    const has = configuredSize(counted, component);
    return has && has.replicas > 0 ? [{ component, has }] : [];
  });
}

/** Installed components whose size is not compared with the load: they have no formula, or run on an unknown number of nodes. */
export function notCompared(settings: Settings): string[] {
  const unknown = fits(settings).flatMap(({ component, verdict }) =>
    verdict === "unknown" ? [component] : [],
  );
  const withFormula = formulas(settings).map(({ component }) => component);
  return installed(settings)
    .map(({ component }) => component)
    .filter((component) => unknown.includes(component) || !withFormula.includes(component));
}

/** Requests of the whole stack, including components that no formula sizes; for one node if `load.nodes` is not set. */
export const wholeStack = (settings: Settings): Required<Amount> =>
  sum(installed(settings).map(({ has }) => total(has)));
