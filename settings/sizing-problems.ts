/** Problems with settings that are too small for the expected load. */

import { limitedTenants } from "./agents";
import { admitted, capacity } from "./capacity";
import { type Problem, problem } from "./check";
import {
  configuredSize,
  type Fit,
  fits,
  maximumReplicas,
  onEachNode,
  type Resource,
  wholeStack,
} from "./fit";
import { forecastText, usableStorage } from "./forecast";
import { type Signal, signalsOf, spanBytes, wholeLoad } from "./load";
import { tooLargeText, tooSmallText, undeclaredText } from "./problem-text";
import { mimirProtection } from "./protection";
import type { Settings } from "./schema";
import type { Amount } from "./sizing";
import { byteRateText, coresText, countText, cpuQuantity, dailyText, day, quantity, sizeText } from "./units";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const up = (value: number, step: number): number => Math.ceil(value / step) * step;

/** An amount in the form of its setting, rounded up to a readable value. */
const setting = (resource: Resource, value: number): string =>
  resource === "cpu" ? cpuQuantity(up(value, 100)) : quantity(up(value, value > GiB ? GiB : 64 * MiB));

/** The configured and the required amount of a resource. */
const shortage = (resource: Resource, there: number, needed: number): string =>
  resource === "cpu"
    ? `${coresText(there)} of ${coresText(needed)} cores`
    : `${sizeText(there)} of ${sizeText(needed)} ${resource}`;

/** The required size of a component that is too small: more replicas if possible, otherwise larger ones. */
function tooSmall({ component, needs, has, lacks, replicas }: Fit): Problem[] {
  if (!has || lacks.length === 0) return [];
  const all = maximumReplicas(has);
  const each = (resource: Resource) => setting(resource, (needs[resource] ?? 0) / all);
  const short = (resource: Resource) => shortage(resource, (has[resource] ?? 0) * all, needs[resource] ?? 0);
  if (replicas === undefined)
    return lacks.map((resource) => ({
      path: `${component}.${resource}`,
      was: resource === "cpu" ? cpuQuantity(has.cpu ?? 0) : quantity(has[resource] ?? 0),
      allowed: `${each(resource)} for the load; it has ${short(resource)}`,
    }));
  const larger = lacks.map((resource) => `${resource} ${each(resource)}`).join(" and ");
  return [
    {
      path: `${component}.${has.maxReplicas === undefined ? "replicas" : "maxReplicas"}`,
      was: all,
      allowed: `${replicas} for the load, or ${larger} for each; it has ${lacks.map(short).join(" and ")}`,
    },
  ];
}

/**
 * Limits that would reject the expected load, if all of it were a single tenant's, or in a hub that of its own cluster and
 * of its agents.
 */
function refused(settings: Settings): Problem[] {
  const { mimir, loki, tempo } = settings;
  const { series, samples, logs, spans } = wholeLoad(settings);
  const most = admitted(settings);
  const lines = logs / day;
  const bytes = spans * spanBytes;
  const of = (load: number) => load / most.tenants;
  const why = `requests of a tenant beyond it are rejected${most.tenants > 1 ? ", and the load is that of all clusters together" : ""}`;
  return [
    ...problem(
      most.series < series,
      "mimir.limits.series",
      countText(mimir.limits.series),
      `${countText(of(series))} for the load; ${why}`,
    ),
    ...problem(
      most.samples < samples,
      "mimir.limits.samplesPerSecond",
      countText(mimir.limits.samplesPerSecond),
      `${countText(of(samples))} for the load; ${why}`,
    ),
    ...problem(
      most.lines < lines,
      "loki.ingestionRate",
      byteRateText(loki.ingestionRate),
      `${byteRateText(up(of(lines), MiB))} for ${dailyText(logs)} spread evenly, more for peaks; ${why}`,
    ),
    ...problem(
      most.spans < bytes,
      "tempo.limits.rate",
      byteRateText(tempo.limits.rate),
      `${byteRateText(up(of(bytes), MiB))} for the load; ${why}`,
    ),
  ];
}

/**
 * Tenants' limits that admit more than the memory of the ingesters holds, at any load: then new series of all tenants
 * are rejected.
 */
export function limitProblems(settings: Settings): Problem[] {
  // A dev stack's single small ingester holds a tenth of what the limits admit, which is no risk there.
  if (settings.environment === "dev") return [];
  const { mimir } = settings;
  const { carried } = mimirProtection(settings);
  const limits = [
    { path: "mimir.limits.series", series: mimir.limits.series },
    ...limitedTenants(settings, "mimir").map(({ path, own }) => ({
      path: `${path}.series`,
      series: own.series ?? 0,
    })),
  ];
  return limits.flatMap(({ path, series }) =>
    problem(
      series > carried,
      path,
      countText(series),
      `the ingesters' memory fits ${countText(carried)}: beyond it, they reject new series of every tenant. Lower it, or set mimir.ingester.memoryLimit to ${setting(
        "memory",
        (mimir.ingester.memoryLimit * series) / carried,
      )}`,
    ),
  );
}

/** All settings that are too small for `load`; empty if that is not set. */
export const sizingProblems = (settings: Settings): Problem[] => [
  ...fits(settings).flatMap(tooSmall),
  ...refused(settings),
];

/** A warning for a stack whose own object storage fills at an unknown time, because no load is declared. */
function undeclared(stack: string, settings: Settings): string[] {
  const { environment, objectStorage } = settings;
  if (environment === "dev" || objectStorage.kind !== "minio" || signalsOf(wholeLoad(settings)).length)
    return [];
  const carried = capacity(settings).filter(({ component }) => component === "objectStorage.minio");
  const most = (signal: Signal) => carried.find((one) => one.signal === signal)?.carries ?? 0;
  const allowed =
    `without it, the time until the object storage is full is unknown: ${sizeText(usableStorage(settings))} hold ` +
    `${countText(most("metrics"))} series, ${dailyText(most("logs"))} of logs or ${countText(most("traces"))} spans/s ` +
    "for the configured retentions";
  return [undeclaredText(stack, { path: "load", allowed })];
}

/** A common node. Neither settings nor `obs size`, which needs no cluster, have the nodes' actual sizes. */
const commonNode = { cpu: 4000, memory: 16 * GiB };

/** Requests that do not fit onto the declared nodes if each is a common one; empty if `load.nodes` is not set. */
export function nodeShortages(settings: Settings): string[] {
  const { nodes } = settings.load;
  if (nodes === undefined) return [];
  const node = `of ${coresText(commonNode.cpu)} cores and ${sizeText(commonNode.memory)}`;
  const requests = ({ cpu = 0, memory = 0 }: Amount) =>
    `requests ${coresText(cpu)} cores and ${sizeText(memory)}`;
  const exceeds = ({ cpu = 0, memory = 0 }: Amount, count: number) =>
    cpu > commonNode.cpu * count || memory > commonNode.memory * count;
  const all = wholeStack(settings);
  return [
    ...onEachNode.flatMap((component) => {
      const each = configuredSize(settings, component);
      return each && exceeds(each, 1)
        ? [
            `${component} ${requests(each)} on each node, more than one ${node} has: use larger nodes, or more of them.`,
          ]
        : [];
    }),
    ...(exceeds(all, nodes)
      ? [
          `The stack ${requests(all)}, more than ${nodes} ${nodes === 1 ? "node" : "nodes"} ${node} have: add nodes, or use larger ones.`,
        ]
      : []),
  ];
}

/** How long the object storage lasts at the declared load; empty if no load is declared or the storage is external. */
export const storageForecast = (settings: Settings): string[] => {
  const load = wholeLoad(settings);
  return settings.objectStorage.kind === "minio" && signalsOf(load).length
    ? [forecastText(load, settings)]
    : [];
};

/**
 * Warnings of a preview: settings that are too small for `load`, limits above the capacity of the memory, and a prod
 * stack without a load.
 *
 * @param stack name of the stack, for the commands that change its settings
 */
export const sizingWarnings = (stack: string, settings: Settings): string[] =>
  [
    ...sizingProblems(settings).map((one) => tooSmallText(stack, one)),
    ...limitProblems(settings).map((one) => tooLargeText(stack, one)),
    ...undeclared(stack, settings),
  ].map((text) => text.trimStart());
