/** What the stack did under the load: CPU, memory and restarts of its components, its autoscalers, what it discarded. */
import {
  AutoscalingV2Api,
  CoreV1Api,
  type KubeConfig,
  type V1Pod,
  type V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node";
import { loadTest, namespaces, services } from "../../../names";
import type { Settings } from "../../../settings";
import { bodyOf } from "../../lib/service";

/** A pod of the stack. */
export interface StackPod {
  namespace: string;
  pod: string;
  /** The same for all replicas, see {@link componentOf}. */
  component: string;
  restarts: number;
}

/** One component's line of the table. */
export interface ComponentRow {
  component: string;
  pods: number;
  /** Cores on average over the run, all replicas together. */
  cores: number;
  /** The highest working set in the run in bytes, all replicas together. */
  memory: number;
  /** Of its containers, during the run. */
  restarts: number;
}

/** One autoscaler's line. */
export interface AutoscalerRow {
  autoscaler: string;
  start: number;
  highest: number;
  end: number;
}

/** A vector of PromQL: labels and value. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

/** What a pod is a replica of: its name without what its owner added, after its namespace where that is not said. */
export function componentOf({ metadata }: V1Pod): string {
  const { namespace = "", generateName, name = "", labels } = metadata ?? {};
  const hash = labels?.["pod-template-hash"];
  const bare = (generateName ?? name).replace(/-$/, "").replace(hash ? `-${hash}` : "", "");
  return bare.startsWith(namespace) ? bare : `${namespace}/${bare}`;
}

/** Namespaces of the stack and of the load test. */
const observed = (settings: Settings): string[] => [
  ...Object.values(namespaces(settings)),
  loadTest.namespace,
];

/** The stack's pods, and the load test's own. */
export async function stackPods(config: KubeConfig, settings: Settings): Promise<StackPod[]> {
  const looked = observed(settings);
  const { items } = await config.makeApiClient(CoreV1Api).listPodForAllNamespaces();
  return items
    .filter(({ metadata }) => looked.includes(metadata?.namespace ?? ""))
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
 * The components' lines, those that used the most CPU first.
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
  // A pod that went away during the run used CPU, too.
  const known = new Map([...before, ...after].map((pod) => [id(pod), pod]));
  const byPod = (samples: Sample[]) => new Map(samples.map(({ metric, value }) => [id(metric), value]));
  const [coresOf, memoryOf] = [byPod(cores), byPod(memory)];
  const restartsBefore = new Map(before.map((pod) => [id(pod), pod.restarts]));
  const rows = new Map<string, ComponentRow>();
  for (const [key, { component, restarts }] of known) {
    const row = rows.get(component) ?? { component, pods: 0, cores: 0, memory: 0, restarts: 0 };
    rows.set(component, {
      component,
      pods: row.pods + 1,
      cores: row.cores + (coresOf.get(key) ?? 0),
      memory: row.memory + (memoryOf.get(key) ?? 0),
      restarts: row.restarts + restarts - (restartsBefore.get(key) ?? 0),
    });
  }
  return [...rows.values()].sort((a, b) => b.cores - a.cores || a.component.localeCompare(b.component));
}

/** What the stack's Prometheus answers to an instant query. @param time in seconds since 1970. @default now */
async function vector(
  config: KubeConfig,
  settings: Settings,
  query: string,
  time = Date.now() / 1000,
): Promise<Sample[]> {
  const path = `/api/v1/query?${new URLSearchParams({ query, time: String(time) })}`;
  const { data } = JSON.parse(await bodyOf(config, services(settings).prometheus, { path }));
  return data.result.map(
    ({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => ({
      metric,
      value: Number(value[1]),
    }),
  );
}

/**
 * CPU and memory of each pod over a run.
 *
 * @param seconds that it lasted
 * @param end when it ended, in seconds since 1970
 */
export async function usage(
  config: KubeConfig,
  settings: Settings,
  seconds: number,
  end: number,
): Promise<{ cores: Sample[]; memory: Sample[] }> {
  const chosen = `namespace=~"${observed(settings).join("|")}", container!=""`;
  // A rate takes two scrapes at least, which are 30 s apart.
  const range = `${Math.max(90, Math.ceil(seconds))}s`;
  const cores = `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{${chosen}}[${range}]))`;
  const memory = `max_over_time(sum by (namespace, pod) (container_memory_working_set_bytes{${chosen}})[${range}:15s])`;
  return {
    cores: await vector(config, settings, cores, end),
    memory: await vector(config, settings, memory, end),
  };
}

/** Counters of what is dropped behind the gateways, where the one who sent it is not told. */
const counters = [
  "loki_discarded_samples_total",
  "cortex_discarded_samples_total",
  "tempo_discarded_spans_total",
  "otelcol_exporter_send_failed_spans_total",
  "otelcol_exporter_enqueue_failed_spans_total",
];

/** What was discarded in the last `seconds`, by counter and reason; only what there is. */
export async function discarded(
  config: KubeConfig,
  settings: Settings,
  seconds: number,
): Promise<Record<string, number>> {
  const answers = counters.map(async (counter) => {
    const query = `sum by (reason) (increase(${counter}[${Math.ceil(seconds)}s])) > 0`;
    return (await vector(config, settings, query)).map(({ metric: { reason }, value }): [string, number] => [
      reason ? `${counter} (${reason})` : counter,
      Math.round(value),
    ]);
  });
  return Object.fromEntries((await Promise.all(answers)).flat());
}

/** Remembers how many replicas each autoscaler had. */
export class Autoscalers {
  private readonly rows = new Map<string, AutoscalerRow>();

  constructor(private readonly settings: Settings) {}

  /** Takes note of what is there now. */
  see(items: V2HorizontalPodAutoscaler[]): void {
    for (const { metadata, status } of items) {
      const autoscaler = `${metadata?.namespace}/${metadata?.name}`;
      const now = status?.currentReplicas ?? 0;
      const { start, highest } = this.rows.get(autoscaler) ?? { start: now, highest: now };
      this.rows.set(autoscaler, { autoscaler, start, highest: Math.max(highest, now), end: now });
    }
  }

  /** Looks at the stack's autoscalers. */
  async look(config: KubeConfig): Promise<void> {
    const { items } = await config
      .makeApiClient(AutoscalingV2Api)
      .listHorizontalPodAutoscalerForAllNamespaces();
    const looked = observed(this.settings);
    this.see(items.filter(({ metadata }) => looked.includes(metadata?.namespace ?? "")));
  }

  /** The lines of the table. */
  table(): AutoscalerRow[] {
    return [...this.rows.values()];
  }
}
