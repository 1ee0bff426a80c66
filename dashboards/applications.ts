import { defaultNamespaces as namespaces } from "../names";
import {
  answering,
  clusterVariable,
  cores,
  type Dashboard,
  logLines,
  logs,
  metrics,
  named,
  of,
  overall,
  spanFailures,
  spanRate,
  spanSeconds,
  stat,
  table,
  timeSeries,
  traceList,
  traces,
} from "./kit";

/** Namespaces of the stack and of Kubernetes, which have their own dashboards. */
const system = [...Object.values(namespaces), "kube-.*"].join("|");
const chosen = 'cluster=~"$cluster", namespace=~"$namespace"';
const container = `${chosen}, container!=""`;
/** Server and consumer spans of services in the namespaces. */
const answers = `cluster=~"$cluster", service_namespace=~"$namespace", ${answering}`;
const cpu = `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{${container}}[$__rate_interval]))`;
const memory = `sum by (namespace, pod) (container_memory_working_set_bytes{${container}})`;
const restarts = (range: string) => `increase(kube_pod_container_status_restarts_total{${chosen}}[${range}])`;

/** Applications of any cluster: pods, requests, logs, traces. */
export const applications: Dashboard = {
  uid: "applications",
  title: "Applications",
  purpose:
    "For application teams: does the application run, does it answer, and what do its logs and traces say? " +
    "Shows all namespaces except those of Kubernetes and of this stack; select yours.",
  tags: ["applications"],
  none: "No pods",
  sources: [metrics, logs, traces],
  variables: [
    clusterVariable(metrics),
    {
      name: "namespace",
      label: "Namespace",
      source: metrics,
      series: `kube_namespace_status_phase{cluster=~"$cluster", namespace!~"${system}"}`,
      all: "",
    },
  ],
  numbers: [
    stat(
      "Pods ready",
      "percentunit",
      of(metrics, {
        ready: `sum(kube_pod_status_ready{${chosen}, condition="true"}) / sum(kube_pod_status_phase{${chosen}, phase=~"Pending|Running|Unknown"})`,
      }),
      { thresholds: { below: [1, 0.5] }, decimals: 0, opens: { panel: "Pods" } },
    ),
    stat(
      "Container restarts",
      "short",
      of(metrics, { restarts: `sum(${restarts("$__range")})` }).map((query) => ({
        ...query,
        instant: true,
      })),
      {
        thresholds: { above: [1, 5] },
        decimals: 0,
        opens: { panel: "Restarts by pod" },
        description: "In the time range.",
      },
    ),
    stat("Request rate", "reqps", of(metrics, { requests: spanRate(overall, answers) }), {
      opens: { panel: "Request rate by service" },
      none: "No spans",
      description: "Server and consumer spans of instrumented services.",
    }),
    stat("Error rate", "percentunit", of(metrics, { failed: spanFailures(overall, answers) }), {
      thresholds: { above: [0.01, 0.05] },
      opens: { panel: "Latest traces with errors" },
      none: "No requests",
    }),
    stat("p95 latency", "s", of(metrics, { p95: spanSeconds(0.95, overall, answers) }), {
      thresholds: { above: [0.5, 2] },
      opens: { panel: "p95 latency by service" },
      none: "No requests",
    }),
    stat(
      "Error log lines",
      "short",
      of(logs, {
        lines: `sum(count_over_time({cluster=~"$cluster", namespace=~"$namespace", level=~"error|fatal"} [$__range])) or vector(0)`,
      }).map((query) => ({ ...query, instant: true })),
      {
        thresholds: { above: [1, 100] },
        decimals: 0,
        opens: { panel: "Latest error log lines" },
        description: "In the time range.",
      },
    ),
  ],
  rows: [
    {
      title: "Requests",
      panels: [
        timeSeries(
          "Request rate by service",
          "reqps",
          of(metrics, { "{{service}}": spanRate("service", answers) }),
          { min: 0, none: "No requests" },
        ),
        timeSeries(
          "Error rate by service",
          "percentunit",
          of(metrics, { "{{service}}": spanFailures("service", answers) }),
          { min: 0, none: "No requests", thresholds: { above: [0.01, 0.05] } },
        ),
        timeSeries(
          "p95 latency by service",
          "s",
          of(metrics, { "{{service}}": spanSeconds(0.95, "service", answers) }),
          { min: 0, none: "No requests", description: "A click on an exemplar opens its trace." },
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
            "{{level}}": named(
              `sum by (level) (count_over_time({cluster=~"$cluster", namespace=~"$namespace", namespace!=""} [$__auto]))`,
              "level",
            ),
          }),
          { width: 12, stacked: true, min: 0 },
        ),
        timeSeries(
          "Error log lines by pod",
          "short",
          of(logs, {
            "{{pod_name}}": `sum by (pod_name) (count_over_time({cluster=~"$cluster", namespace=~"$namespace", level=~"error|fatal"} [$__auto]))`,
          }),
          { width: 12, stacked: true, min: 0, none: "No error log lines" },
        ),
        logLines(
          "Latest error log lines",
          of(logs, { lines: `{cluster=~"$cluster", namespace=~"$namespace", level=~"error|fatal"}` }),
          { none: "No error log lines", description: "A line with a trace ID links to its trace." },
        ),
        traceList(
          "Latest traces with errors",
          of(traces, {
            traces: `{ resource.k8s.cluster.name =~ "$cluster" && resource.k8s.namespace.name =~ "$namespace" && status = error }`,
          }),
          { none: "No traces with errors" },
        ),
      ],
    },
    {
      title: "Workloads",
      collapsed: true,
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
              { field: "Value #A", heading: "Desired", unit: "short" },
              { field: "Value #B", heading: "Ready", unit: "short" },
              { field: "Value #C", heading: "Up to date", unit: "short" },
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
              { field: "pod", heading: "Pod", width: 330, opens: { uid: "containers", variable: "pod" } },
              { field: "Value #A", heading: "Ready", unit: "bool_yes_no" },
              { field: "Value #B", heading: "Restarts", unit: "short" },
              { field: "Value #C", heading: "CPU usage", unit: cores },
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
        timeSeries("CPU usage by pod", cores, of(metrics, { "{{pod}}": cpu }), { width: 6, min: 0 }),
        timeSeries("Memory usage by pod", "bytes", of(metrics, { "{{pod}}": memory }), { width: 6, min: 0 }),
        timeSeries(
          "Restarts by pod",
          "short",
          of(metrics, { "{{pod}}": `sum by (namespace, pod) (${restarts("$__rate_interval")}) > 0` }),
          { width: 6, min: 0, none: "No restarts" },
        ),
      ],
    },
  ],
};
