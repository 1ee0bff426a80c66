/** Resource usage of each component of a running stack without queries, next to its requests and limits. */

import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, type V1Container, type V1Pod } from "@kubernetes/client-node";
import { type ComponentRow, componentOf, componentRows } from "../../cli/commands/load/observe";
import type { Connection } from "../../cli/lib/cluster";
import { workloadOf } from "../../cli/lib/objects";
import { queryPrometheus } from "../../cli/lib/prometheus";
import { loadTest, namespaces, smokeTest } from "../../names";
import { bytesOf, coresText, sizeText } from "../../settings/units";
import type { Bench, Benchmark, Result } from "../benchmark";
import { nothing, ofPod, type Requested, sumOf } from "../requested";
import { median } from "../statistics";

/** Maximum usage of the whole dev stack at rest. */
const goal = { memory: 2.5 * 1024 ** 3, requested: 1000 };

/** Namespaces of tests that put load on a stack. */
const busy = [loadTest.namespace, smokeTest.namespace, "obs-chaos"];

/** One component at rest. */
export interface RestRow {
  component: string;
  pods: number;
  /** Cores and bytes, medians of the repetitions. */
  cores: number;
  memory: number;
  asked: Requested;
  /** Bytes; undefined if a container has no limit. */
  limit: number | undefined;
}

const limitOf = ({ resources }: V1Container) => {
  const limit = resources?.limits?.["memory"];
  return limit === undefined ? undefined : bytesOf(limit);
};

/** Memory limit of a pod; undefined if one of its containers has none. */
export const limitOfPod = ({ spec }: V1Pod): number | undefined =>
  (spec?.containers ?? []).reduce<number | undefined>((sum, container) => {
    const limit = limitOf(container);
    return sum === undefined || limit === undefined ? undefined : sum + limit;
  }, 0);

/**
 * The components, highest memory usage first.
 *
 * @param pods of the stack
 * @param repetitions usage of each component, by measurement
 */
export function restRows(pods: V1Pod[], repetitions: ComponentRow[][]): RestRow[] {
  const nameOf = (pod: V1Pod) => componentOf(workloadOf(pod));
  const names = [...new Set(pods.map(nameOf))];
  return names
    .map((component): RestRow => {
      const mine = pods.filter((pod) => nameOf(pod) === component);
      const used = repetitions.flatMap((rows) => rows.filter((row) => row.component === component));
      const limits = mine.map(limitOfPod);
      return {
        component,
        pods: mine.length,
        cores: median(used.map(({ cores }) => cores)),
        memory: median(used.map(({ memory }) => memory)),
        asked: sumOf(mine.map(({ spec }) => (spec ? ofPod(spec) : nothing))),
        limit: limits.includes(undefined)
          ? undefined
          : limits.reduce((sum, one) => (sum ?? 0) + (one ?? 0), 0),
      };
    })
    .sort((a, b) => b.memory - a.memory);
}

const rowOf = (name: string, { pods, cores, memory, asked, limit }: Omit<RestRow, "component">): string[] => [
  name,
  String(pods),
  cores.toFixed(3),
  coresText(asked.cpu),
  sizeText(memory),
  sizeText(asked.memory),
  limit === undefined ? "none" : sizeText(limit),
];

/** All rows as one; its usage is the median of the whole stack's sums, not the sum of medians. */
function totalOf(rows: RestRow[], repetitions: ComponentRow[][]): Omit<RestRow, "component"> {
  const sums = (of: (row: ComponentRow) => number) =>
    median(repetitions.map((one) => one.reduce((sum, row) => sum + of(row), 0)));
  const limits = rows.map(({ limit }) => limit);
  return {
    pods: rows.reduce((sum, { pods }) => sum + pods, 0),
    cores: sums(({ cores }) => cores),
    memory: sums(({ memory }) => memory),
    asked: sumOf(rows.map(({ asked }) => asked)),
    limit: limits.includes(undefined) ? undefined : limits.reduce((sum, one) => (sum ?? 0) + (one ?? 0), 0),
  };
}

/** The stack's running pods. */
async function runningPods({ config, settings }: Connection): Promise<V1Pod[]> {
  const own: string[] = Object.values(namespaces(settings));
  const { items } = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces();
  return items.filter(
    ({ metadata, status }) => own.includes(metadata?.namespace ?? "") && status?.phase === "Running",
  );
}

const verdict = (holds: boolean) => (holds ? "met" : "missed");

async function measure({ repetitions, seconds, running, stop, tell }: Bench): Promise<Result> {
  const stack = await running();
  const { config, settings } = stack;
  const repeated: ComponentRow[][] = [];
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    tell(`  repetition ${repetition} of ${repetitions}: ${seconds} s`);
    await wait(seconds * 1000, undefined, { signal: stop });
    repeated.push(await componentRows((promql) => queryPrometheus(stack, promql), settings, seconds));
  }
  const pods = await runningPods(stack);
  const rows = restRows(pods, repeated);
  const total = totalOf(rows, repeated);
  const { items } = await config.makeApiClient(CoreV1Api).listNamespace();
  const disturbed = items.flatMap(({ metadata }) =>
    busy.includes(metadata?.name ?? "") ? [metadata?.name] : [],
  );
  const youngest = Math.min(
    ...pods.map(({ status }) => (Date.now() - (status?.startTime?.getTime() ?? 0)) / 60_000),
  );
  return {
    tables: [
      {
        title: "At rest, by component",
        head: ["component", "pods", "cores", "requested", "memory", "requested", "limit"],
        rows: [rowOf("all", total), ...rows.map((row) => rowOf(row.component, row))],
      },
    ],
    notes: [
      `The youngest pod was ${Math.floor(youngest)} min old.`,
      ...(settings.environment === "dev"
        ? [
            `Goal of 2.5Gi used: ${verdict(total.memory <= goal.memory)}, with ${sizeText(total.memory)}.`,
            `Goal of 1 core requested: ${verdict(total.asked.cpu <= goal.requested)}, with ${coresText(total.asked.cpu)}.`,
          ]
        : []),
      ...(disturbed.length ? [`Not at rest: the cluster has the namespace ${disturbed.join(", ")}.`] : []),
    ],
    skipped: [],
    measured: { total, rows, repetitions: repeated },
  };
}

export const benchmark: Benchmark = {
  name: "rest",
  what: "cores and memory of each component at rest, next to requests and limits; needs a running stack",
  measure,
};
