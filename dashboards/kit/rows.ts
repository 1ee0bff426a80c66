/** Rows and variables that the dashboards of several components have. */
import type { Row } from "./dashboard";
import { stat, timeSeries } from "./panels";
import { inCluster, rate, share } from "./promql";
import { of } from "./queries";
import { type LabelVariable, watcher } from "./sources";

/** The containers of a namespace of the stack: what its components are called. */
export const componentVariable = (namespace: string): LabelVariable => ({
  name: "component",
  label: "Component",
  source: watcher,
  series: `kube_pod_container_info{${inCluster}, namespace="${namespace}"}`,
  of: "container",
});

/** What the chosen pods take of the nodes; `chosen` are matchers. */
export const podsRow = (chosen: string): Row => ({
  title: "Pods",
  panels: [
    stat(
      "Restarts",
      "short",
      of(watcher, {
        restarts: `sum(increase(kube_pod_container_status_restarts_total{${inCluster}, ${chosen}}[$__range]))`,
      }),
      {
        height: 7,
        decimals: 0,
        thresholds: { yellow: 1, red: 5 },
        description: "In the time that is shown. `kubectl describe pod` says why the last one was.",
      },
    ),
    timeSeries(
      "Memory",
      "bytes",
      of(watcher, {
        "{{pod}} {{container}}": `sum by (pod, container) (container_memory_working_set_bytes{${inCluster}, ${chosen}, container!=""})`,
      }),
      { width: 10, description: "The working set, by which Kubernetes ends a container at its limit." },
    ),
    timeSeries(
      "CPU",
      "cores",
      of(watcher, {
        "{{pod}} {{container}}": rate(
          `container_cpu_usage_seconds_total{${inCluster}, ${chosen}, container!=""}`,
          "pod, container",
        ),
      }),
      { width: 10 },
    ),
  ],
});

/** What the stores call themselves in their metrics, and which series are of them. */
export interface Store {
  /** The beginning of their metrics' names: `loki`, `cortex` for Mimir, `tempo`. */
  prefix: string;
  /** Matchers of their series. */
  of: string;
}

/** The share of requests to a store that failed by its own fault; `requests` are matchers. */
export const requestErrors = (title: string, { prefix }: Store, requests: string, description: string) =>
  stat(
    title,
    "percentunit",
    of(watcher, {
      errors: share(
        `${prefix}_request_duration_seconds_count{${requests}, status_code=~"5.."}`,
        `${prefix}_request_duration_seconds_count{${requests}}`,
      ),
    }),
    { thresholds: { yellow: 0.001, red: 0.01 }, description },
  );

/** Members of a store's rings that stopped their heartbeats. */
export const unhealthyMembers = (store: Store) =>
  stat(
    "Unhealthy ring members",
    "short",
    of(watcher, {
      members: `sum(max by (name) (${store.prefix}_ring_members{${store.of}, state="Unhealthy"}))`,
    }),
    {
      thresholds: { yellow: 1, red: 1 },
      description: "Members that stopped their heartbeats; with too few ingesters left, writes fail.",
    },
  );
