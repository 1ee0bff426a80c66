/** The stack under load: CPU, memory and restarts of its components, replicas of its autoscalers, discarded data. */
import { loadTest, namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import type { Sample } from "../../lib/prometheus";

/** Runs an instant query at the end of a run. */
export type Query = (promql: string) => Promise<Sample[]>;

/** Namespaces of the stack and of the load test. */
const observed = (settings: Settings): string =>
  `namespace=~"${[...Object.values(namespaces(settings)), loadTest.namespace].join("|")}"`;

/** `namespace/workload` without the namespace if the workload's name begins with it. */
export const componentOf = (workload: string): string => workload.replace(/^([^/]+)\/(?=\1)/, "");

/** Columns of a component's usage: the query of each, by namespace and workload. */
export function usageQueries(settings: Settings, seconds: number) {
  const chosen = observed(settings);
  // A rate needs two scrapes, which are 30 s apart.
  const range = `[${Math.max(90, Math.ceil(seconds))}s]`;
  const restarts = `kube_pod_container_status_restarts_total{${chosen}}${range} offset -30s`;
  // Pods that were deleted during the run count too.
  const workloads = `max by (namespace, pod, workload) (max_over_time(namespace_workload_pod:kube_pod_owner:relabel{${chosen}}${range}))`;
  const total = (ofPods: string) =>
    `sum by (namespace, workload) (${ofPods} * on (namespace, pod) group_left (workload) ${workloads})`;
  return {
    pods: `count by (namespace, workload) (${workloads})`,
    /** Average cores, sum of all replicas. */
    cores: total(
      `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{${chosen}, container!=""}${range}))`,
    ),
    /** Highest working set in bytes, sum of all replicas. */
    memory: total(
      `max_over_time(sum by (namespace, pod) (container_memory_working_set_bytes{${chosen}, container!=""})${range.replace("]", ":15s]")})`,
    ),
    /** Restarts of containers during the run. The next scrape has those of its end. */
    restarts: total(`sum by (namespace, pod) (max_over_time(${restarts}) - min_over_time(${restarts}))`),
  };
}

/** Columns of an autoscaler: the query of its replicas. */
export function replicaQueries(settings: Settings, seconds: number) {
  const replicas = `kube_horizontalpodautoscaler_status_current_replicas{${observed(settings)}}`;
  const range = `[${Math.ceil(seconds)}s]`;
  const one = (query: string) => `max by (namespace, horizontalpodautoscaler) (${query})`;
  return {
    start: one(`${replicas} offset ${Math.ceil(seconds)}s or min_over_time(${replicas}${range})`),
    highest: one(`max_over_time(${replicas}${range})`),
    end: one(`last_over_time(${replicas}${range})`),
  };
}

/** A row for each object, with its name and the result of each query; 0 if it has none. */
async function rowsOf<Key extends string, Column extends string>(
  query: Query,
  queries: Record<Column, string>,
  key: Key,
  nameOf: (labels: Sample["labels"]) => string,
) {
  type Row = Record<Key, string> & Record<Column, number>;
  const columns = Object.keys(queries) as Column[];
  const results = await Promise.all(columns.map((column) => query(queries[column])));
  const rows = new Map<string, Row>();
  for (const [index, samples] of results.entries())
    for (const { labels, value } of samples) {
      const name = nameOf(labels);
      const none = columns.map((column) => [column, 0]);
      const row = rows.get(name) ?? { [key]: name, ...Object.fromEntries(none) };
      rows.set(name, { ...row, [columns[index] as Column]: value });
    }
  return [...rows.values()];
}

/** Usage of the components over the seconds before the end of a run, the highest CPU usage first. */
export async function componentRows(query: Query, settings: Settings, seconds: number) {
  const rows = await rowsOf(query, usageQueries(settings, seconds), "component", ({ namespace, workload }) =>
    componentOf(`${namespace}/${workload}`),
  );
  return rows.sort((a, b) => b.cores - a.cores || a.component.localeCompare(b.component));
}
export type ComponentRow = Awaited<ReturnType<typeof componentRows>>[number];

/** Replicas of the stack's autoscalers over the seconds before the end of a run. */
export const autoscalerRows = (query: Query, settings: Settings, seconds: number) =>
  rowsOf(
    query,
    replicaQueries(settings, seconds),
    "autoscaler",
    ({ namespace, horizontalpodautoscaler }) => `${namespace}/${horizontalpodautoscaler}`,
  );

/** Counters of data that is dropped behind the gateways, after the client got a success. */
const counters = [
  "loki_discarded_samples_total",
  "cortex_discarded_samples_total",
  "tempo_discarded_spans_total",
  "otelcol_exporter_send_failed_spans_total",
  "otelcol_exporter_enqueue_failed_spans_total",
];

/** Data discarded in the last `seconds`, by counter and reason. */
export async function discarded(query: Query, seconds: number): Promise<Record<string, number>> {
  const answers = counters.map(async (counter) => {
    const samples = await query(`sum by (reason) (increase(${counter}[${Math.ceil(seconds)}s])) > 0`);
    return samples.map(({ labels: { reason }, value }): [string, number] => [
      reason ? `${counter} (${reason})` : counter,
      Math.round(value),
    ]);
  });
  return Object.fromEntries((await Promise.all(answers)).flat());
}
