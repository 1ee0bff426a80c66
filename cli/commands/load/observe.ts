/** The stack under load: CPU, memory and restarts of its components, replicas of its autoscalers, discarded data. */
import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { loadTest, namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import { workloadOf } from "../../lib/objects";
import { queryPrometheus, type Sample } from "../../lib/prometheus";
import { grouped } from "../../lib/text";

/** A pod of the stack. */
export interface StackPod {
  namespace: string;
  pod: string;
  component: string;
  restarts: number;
}

/** Usage of a component. */
export interface ComponentRow {
  component: string;
  pods: number;
  /** Average cores over the run, sum of all replicas. */
  cores: number;
  /** Highest working set in bytes, sum of all replicas. */
  memory: number;
  /** Restarts of its containers during the run. */
  restarts: number;
}

/** Replicas of an autoscaler. */
export interface AutoscalerRow {
  autoscaler: string;
  start: number;
  highest: number;
  end: number;
}

/** The workload of a pod, with the namespace unless the name begins with it. */
export function componentOf(pod: V1Pod): string {
  const [namespace = "", name = ""] = workloadOf(pod).split("/");
  return name.startsWith(namespace) ? name : `${namespace}/${name}`;
}

/** Namespaces of the stack and of the load test. */
const observed = (settings: Settings): string[] => [
  ...Object.values(namespaces(settings)),
  loadTest.namespace,
];

/** The pods of the stack and of the load test. */
export async function stackPods({ config, settings }: Connection): Promise<StackPod[]> {
  const wanted = observed(settings);
  const { items } = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces();
  return items
    .filter(({ metadata }) => wanted.includes(metadata?.namespace ?? ""))
    .map((one) => ({
      namespace: one.metadata?.namespace ?? "",
      pod: one.metadata?.name ?? "",
      component: componentOf(one),
      restarts: (one.status?.containerStatuses ?? []).reduce(
        (sum, { restartCount }) => sum + restartCount,
        0,
      ),
    }));
}

/**
 * Usage of the components, the highest CPU usage first.
 *
 * @param before the pods at the start of the run
 * @param after the pods at its end
 * @param cores of each pod on average
 * @param memory of each pod at most, in bytes
 */
export function componentRows(
  before: StackPod[],
  after: StackPod[],
  cores: Sample[],
  memory: Sample[],
): ComponentRow[] {
  const id = ({ namespace, pod }: { namespace?: string; pod?: string }) => `${namespace}/${pod}`;
  // Pods that were deleted during the run count too.
  const known = new Map([...before, ...after].map((pod) => [id(pod), pod]));
  const byPod = (samples: Sample[]) => new Map(samples.map(({ labels, value }) => [id(labels), value]));
  const [coresOf, memoryOf] = [byPod(cores), byPod(memory)];
  const restartsBefore = new Map(before.map((pod) => [id(pod), pod.restarts]));
  const rows = [...grouped(known.values(), (pod) => pod.component)].map(([component, pods]): ComponentRow => {
    const sum = (of: (pod: StackPod) => number | undefined) =>
      pods.reduce((total, pod) => total + (of(pod) ?? 0), 0);
    return {
      component,
      pods: pods.length,
      cores: sum((pod) => coresOf.get(id(pod))),
      memory: sum((pod) => memoryOf.get(id(pod))),
      restarts: sum((pod) => pod.restarts - (restartsBefore.get(id(pod)) ?? 0)),
    };
  });
  return rows.sort((a, b) => b.cores - a.cores || a.component.localeCompare(b.component));
}

/**
 * CPU and memory of each pod over a run.
 *
 * @param seconds its duration
 * @param end its end, in seconds since 1970
 */
export async function usage(
  connection: Connection,
  seconds: number,
  end: number,
): Promise<{ cores: Sample[]; memory: Sample[] }> {
  const chosen = `namespace=~"${observed(connection.settings).join("|")}", container!=""`;
  // A rate needs two scrapes, which are 30 s apart.
  const range = `${Math.max(90, Math.ceil(seconds))}s`;
  const cores = `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{${chosen}}[${range}]))`;
  const memory = `max_over_time(sum by (namespace, pod) (container_memory_working_set_bytes{${chosen}})[${range}:15s])`;
  return {
    cores: await queryPrometheus(connection, cores, end),
    memory: await queryPrometheus(connection, memory, end),
  };
}

/** Counters of data that is dropped behind the gateways, after the client got a success. */
const counters = [
  "loki_discarded_samples_total",
  "cortex_discarded_samples_total",
  "tempo_discarded_spans_total",
  "otelcol_exporter_send_failed_spans_total",
  "otelcol_exporter_enqueue_failed_spans_total",
];

/** Data discarded in the last `seconds`, by counter and reason. */
export async function discarded(connection: Connection, seconds: number): Promise<Record<string, number>> {
  const answers = counters.map(async (counter) => {
    const query = `sum by (reason) (increase(${counter}[${Math.ceil(seconds)}s])) > 0`;
    return (await queryPrometheus(connection, query)).map(
      ({ labels: { reason }, value }): [string, number] => [
        reason ? `${counter} (${reason})` : counter,
        Math.round(value),
      ],
    );
  });
  return Object.fromEntries((await Promise.all(answers)).flat());
}

/** Replicas of the stack's autoscalers over a run of some seconds. */
export async function autoscalerRows(
  query: (promql: string, time: number) => Promise<Sample[]>,
  settings: Settings,
  seconds: number,
  end: number,
): Promise<AutoscalerRow[]> {
  const metric = `kube_horizontalpodautoscaler_status_current_replicas{namespace=~"${observed(settings).join("|")}"}`;
  const at = async (promql: string, time: number) =>
    new Map(
      (await query(promql, time)).map(({ labels, value }) => [
        `${labels["namespace"]}/${labels["horizontalpodautoscaler"]}`,
        value,
      ]),
    );
  const [first, most, last] = await Promise.all([
    at(metric, end - seconds),
    at(`max_over_time(${metric}[${Math.ceil(seconds)}s])`, end),
    at(metric, end),
  ]);
  return [...most].map(([autoscaler, highest]) => ({
    autoscaler,
    start: first.get(autoscaler) ?? highest,
    highest,
    end: last.get(autoscaler) ?? highest,
  }));
}
