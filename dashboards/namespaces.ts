import {
  answering,
  clusterVariable,
  type Dashboard,
  logLines,
  logs,
  metrics,
  of,
  spanFailures,
  spanRate,
  spanSeconds,
  stat,
  table,
  timeSeries,
  traceList,
  traces,
} from "./kit";

const chosen = 'cluster=~"$cluster", namespace=~"$namespace"';
const container = `${chosen}, container!=""`;
/** Spans by which services of the namespaces answer. */
const answers = `cluster=~"$cluster", service_namespace=~"$namespace", ${answering}`;
const cpu = `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{${container}}[$__rate_interval]))`;
const memory = `sum by (namespace, pod) (container_memory_working_set_bytes{${container}})`;
const restarts = (range: string) => `increase(kube_pod_container_status_restarts_total{${chosen}}[${range}])`;

/** Everything about the namespaces of an application (R12): pods, requests, logs, traces. */
export const namespaces: Dashboard = {
  uid: "random-namespaces",
  title: "Namespaces Random",
  purpose:
    "For whoever owns an application: does it run, does it answer, and if not, what do its logs and traces say? " +
    "`All` are the namespaces whose names begin with `random`; any other can be chosen.",
  tags: ["applications"],
  sources: [metrics, logs, traces],
  variables: [
    clusterVariable(metrics),
    {
      name: "namespace",
      label: "Namespace",
      source: metrics,
      series: 'kube_namespace_status_phase{cluster=~"$cluster"}',
      all: "random.*",
    },
  ],
  next: {
    services: "Service dependencies",
    containers: "Containers (cAdvisor)",
    postgresql: "PostgreSQL",
    "cluster-overview": "Cluster overview",
  },
  runbooks: [],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat(
          "Pods ready",
          "percentunit",
          of(metrics, {
            ready: `sum(kube_pod_status_ready{${chosen}, condition="true"}) / sum(kube_pod_status_phase{${chosen}, phase=~"Pending|Running|Unknown"})`,
          }),
          { thresholds: { yellow: 1, red: 0.5 }, decimals: 0 },
        ),
        stat(
          "Restarts",
          "short",
          of(metrics, { restarts: `sum(${restarts("$__range")})` }).map((query) => ({
            ...query,
            instant: true,
          })),
          {
            thresholds: { yellow: 1, red: 5 },
            decimals: 0,
            description: "Of containers, in the time shown.",
          },
        ),
        stat("Requests", "reqps", of(metrics, { requests: spanRate("cluster", answers) }), {
          description: "That its services answered, counted by their spans.",
        }),
        stat("Requests failed", "percentunit", of(metrics, { failed: spanFailures("cluster", answers) }), {
          thresholds: { yellow: 0.01, red: 0.05 },
        }),
        stat("Slow requests (p95)", "s", of(metrics, { p95: spanSeconds(0.95, "cluster", answers) }), {
          thresholds: { yellow: 0.5, red: 2 },
          description: "19 of 20 were answered within that time.",
        }),
        stat(
          "Error lines",
          "short",
          of(logs, {
            lines: `sum(count_over_time({cluster=~"$cluster", namespace=~"$namespace", level=~"error|fatal"} [$__range]))`,
          }).map((query) => ({ ...query, instant: true })),
          {
            thresholds: { yellow: 1, red: 100 },
            decimals: 0,
            description: "In the logs, in the time shown.",
          },
        ),
      ],
    },
    {
      title: "Requests, by the spans of its services",
      panels: [
        timeSeries(
          "Requests by service",
          "reqps",
          of(metrics, { "{{service}}": spanRate("service", answers) }),
          {
            min: 0,
          },
        ),
        timeSeries(
          "Failed by service",
          "percentunit",
          of(metrics, { "{{service}}": spanFailures("service", answers) }),
          { min: 0, thresholds: { yellow: 0.01, red: 0.05 } },
        ),
        timeSeries(
          "Slow requests by service (p95)",
          "s",
          of(metrics, { "{{service}}": spanSeconds(0.95, "service", answers) }),
          { min: 0, description: "A click on a point opens a trace of that time." },
        ),
      ],
    },
    {
      title: "Logs and traces",
      panels: [
        timeSeries(
          "Log lines by level",
          "short",
          of(logs, {
            "{{level}}": `sum by (level) (count_over_time({cluster=~"$cluster", namespace=~"$namespace", namespace!=""} [$__auto]))`,
          }),
          { width: 12, stacked: true, min: 0, description: "Lines whose level is unknown have none." },
        ),
        timeSeries(
          "Error lines by pod",
          "short",
          of(logs, {
            "{{pod_name}}": `sum by (pod_name) (count_over_time({cluster=~"$cluster", namespace=~"$namespace", level=~"error|fatal"} [$__auto]))`,
          }),
          { width: 12, stacked: true, min: 0 },
        ),
        logLines(
          "Latest error lines",
          of(logs, { lines: `{cluster=~"$cluster", namespace=~"$namespace", level=~"error|fatal"}` }),
          { description: "A line with a trace_id leads to its trace." },
        ),
        traceList(
          "Latest traces with errors",
          of(traces, {
            traces: `{ resource.k8s.cluster.name =~ "$cluster" && resource.k8s.namespace.name =~ "$namespace" && status = error }`,
          }),
        ),
      ],
    },
    {
      title: "Pods and what they take",
      panels: [
        table(
          "Deployments",
          of(metrics, {
            wanted: `sum by (namespace, deployment) (kube_deployment_spec_replicas{${chosen}})`,
            ready: `sum by (namespace, deployment) (kube_deployment_status_replicas_ready{${chosen}})`,
            updated: `sum by (namespace, deployment) (kube_deployment_status_replicas_updated{${chosen}})`,
          }),
          {
            columns: [
              { field: "namespace", heading: "Namespace" },
              { field: "deployment", heading: "Deployment" },
              { field: "Value #A", heading: "Wanted", unit: "short" },
              { field: "Value #B", heading: "Ready", unit: "short" },
              { field: "Value #C", heading: "Of the newest version", unit: "short" },
            ],
            width: 12,
          },
        ),
        table(
          "Pods",
          of(metrics, {
            ready: `max by (namespace, pod) (kube_pod_status_ready{${chosen}, condition="true"})`,
            restarts: `sum by (namespace, pod) (${restarts("$__range")})`,
            cpu,
            memory,
          }),
          {
            columns: [
              { field: "namespace", heading: "Namespace" },
              { field: "pod", heading: "Pod", opens: { uid: "containers", variable: "pod" } },
              { field: "Value #A", heading: "Ready", unit: "bool_yes_no" },
              { field: "Value #B", heading: "Restarts", unit: "short" },
              { field: "Value #C", heading: "CPU (cores)", unit: "none" },
              { field: "Value #D", heading: "Memory", unit: "bytes" },
            ],
            width: 12,
            decimals: 2,
          },
        ),
        timeSeries(
          "Pods by phase",
          "short",
          of(metrics, {
            "{{namespace}} {{phase}}": `sum by (namespace, phase) (kube_pod_status_phase{${chosen}}) > 0`,
          }),
          { width: 6, stacked: true, min: 0 },
        ),
        timeSeries("CPU by pod", "none", of(metrics, { "{{pod}}": cpu }), {
          width: 6,
          min: 0,
          description: "In cores.",
        }),
        timeSeries("Memory by pod", "bytes", of(metrics, { "{{pod}}": memory }), { width: 6, min: 0 }),
        timeSeries(
          "Restarts by pod",
          "short",
          of(metrics, { "{{pod}}": `sum by (namespace, pod) (${restarts("$__rate_interval")}) > 0` }),
          { width: 6, min: 0, description: "Empty when none restarts." },
        ),
      ],
    },
  ],
};
