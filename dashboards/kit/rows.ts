/** Rows, numbers and variables of the dashboards of several components. */
import type { Row } from "./dashboard";
import type { Link } from "./look";
import { stat, timeSeries, total } from "./panels";
import { inCluster, quantile, quantiles, rate, share } from "./promql";
import { of } from "./queries";
import { type LabelVariable, watcher } from "./sources";
import { cores } from "./units";

/** The containers of a namespace of the stack, which are named after their components. */
export const componentVariable = (namespace: string): LabelVariable => ({
  name: "component",
  label: "Component",
  source: watcher,
  series: `kube_pod_container_info{${inCluster}, namespace="${namespace}"}`,
  of: "container",
});

/** Resource usage of the selected pods; `chosen` are matchers. */
export const podsRow = (chosen: string): Row => ({
  title: "Resources",
  collapsed: true,
  panels: [
    total(
      "Container restarts",
      "short",
      of(watcher, {
        restarts: `sum(increase(kube_pod_container_status_restarts_total{${inCluster}, ${chosen}}[$__range])) or vector(0)`,
      }),
      {
        height: 7,
        thresholds: { above: [1, 5] },
        description: "In the time range. `kubectl describe pod` shows the reason for the last one.",
      },
    ),
    timeSeries(
      "Memory usage (working set)",
      "bytes",
      of(watcher, {
        "{{pod}} {{container}}": `sum by (pod, container) (container_memory_working_set_bytes{${inCluster}, ${chosen}, container!=""})`,
      }),
      { width: 10, description: "A container whose working set reaches its memory limit is killed." },
    ),
    timeSeries(
      "CPU usage",
      cores,
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

/** A store and its series. */
export interface Store {
  /** Prefix of its metrics: `loki`, `cortex` for Mimir, `tempo`. */
  prefix: string;
  /** Matchers of its series. */
  of: string;
}

/** The share of requests to a store that end with a 5xx status; `requests` are matchers. */
export const requestErrors = (
  title: string,
  { prefix }: Store,
  requests: string,
  opens: Link,
  description = "Requests with a 5xx status, of all requests.",
) =>
  stat(
    title,
    "percentunit",
    of(watcher, {
      errors: share(
        `${prefix}_request_duration_seconds_count{${requests}, status_code=~"5.."}`,
        `${prefix}_request_duration_seconds_count{${requests}}`,
      ),
    }),
    { thresholds: { above: [0.001, 0.01] }, none: "No requests", opens, description },
  );

/** Members of a store's rings without heartbeats. */
export const unhealthyMembers = (store: Store) =>
  stat(
    "Unhealthy in ring",
    "short",
    of(watcher, {
      members: `sum(max by (name) (${store.prefix}_ring_members{${store.of}, state="Unhealthy"})) or vector(0)`,
    }),
    {
      thresholds: { above: [1] },
      opens: { panel: "Ring members by state" },
      runbook: "RingUnhealthy",
      description: "Ring members without heartbeats. Without a quorum of ingesters, writes fail.",
    },
  );

/** Latency and status codes of the queries to a store; `queries` are matchers. */
export const queryPanels = ({ prefix }: Store, queries: string) => [
  timeSeries(
    "Query latency",
    "s",
    of(watcher, quantiles(`${prefix}_request_duration_seconds_bucket{${queries}}`)),
    {
      none: "No queries",
    },
  ),
  timeSeries(
    "p95 query latency by route",
    "s",
    of(watcher, {
      "{{route}}": quantile(0.95, `${prefix}_request_duration_seconds_bucket{${queries}}`, "route"),
    }),
    { none: "No queries" },
  ),
  timeSeries(
    "Queries by route and status code",
    "reqps",
    of(watcher, {
      "{{route}} {{status_code}}": rate(
        `${prefix}_request_duration_seconds_count{${queries}}`,
        "route, status_code",
      ),
    }),
    { none: "No queries" },
  ),
];
