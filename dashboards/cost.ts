import { defaultNamespaces as namespaces } from "../names";
import {
  bars,
  clusterVariable,
  cores,
  type Dashboard,
  inCluster,
  logs,
  metrics,
  named,
  of,
  rate,
  samplesPerSecond,
  spansPerSecond,
  stat,
  table,
  timeSeries,
  watcher,
  within,
} from "./kit";

const loki = within(namespaces.loki);
const mimir = within(namespaces.mimir);
const tempo = within(namespaces.tempo);
/** All namespaces of the stack. */
const stack = `${inCluster}, namespace=~"${Object.values(namespaces).join("|")}"`;
/** Increase over the time range. */
const came = (counter: string, by: string) => `sum by (${by}) (increase(${counter}[$__range]))`;
/** Each bucket once: every server reports the same. */
const buckets = `max by (bucket) (minio_bucket_usage_total_bytes{${inCluster}})`;

/** Cost and cardinality: data volume by sender, and the resources to keep it. */
export const cost: Dashboard = {
  uid: "cost",
  title: "Cost and cardinality",
  purpose:
    "How much data does each sender send, and what does its storage cost? Bytes, series and spans by " +
    "sender, and the CPU, memory and storage that they need.",
  tags: ["cost"],
  none: "No metrics",
  sources: [watcher, metrics, logs],
  variables: [
    clusterVariable(watcher),
    {
      name: "namespace",
      label: "Namespace",
      source: metrics,
      series: `kube_namespace_created{${inCluster}}`,
    },
  ],
  from: "now-6h",
  numbers: [
    stat(
      "Log throughput",
      "Bps",
      of(watcher, { logs: rate(`loki_distributor_bytes_received_total{${loki}}`) }),
      {
        opens: { panel: "Log throughput by namespace" },
        description: "Before compression.",
      },
    ),
    stat(
      "Active series",
      "short",
      of(watcher, {
        series:
          `sum(cortex_ingester_active_series{${mimir}}) / ` +
          `scalar(max(cortex_distributor_replication_factor{${mimir}}))`,
      }),
      { opens: { panel: "Top metrics by active series" }, description: "Of all tenants, without replicas." },
    ),
    stat(
      "Span rate",
      spansPerSecond,
      of(watcher, { spans: rate(`tempo_distributor_spans_received_total{${tempo}}`) }),
      {
        none: "No traces",
        opens: { panel: "Span rate by service" },
      },
    ),
    stat("Object storage used", "bytes", of(watcher, { used: `sum(${buckets})` }), {
      none: "External storage",
      opens: { panel: "Bytes by bucket over time" },
    }),
    stat(
      "CPU requests",
      cores,
      of(watcher, { requests: `sum(kube_pod_container_resource_requests{${stack}, resource="cpu"})` }),
      { opens: { panel: "Resources by namespace" }, description: "Of the whole stack." },
    ),
    stat(
      "Memory requests",
      "bytes",
      of(watcher, { requests: `sum(kube_pod_container_resource_requests{${stack}, resource="memory"})` }),
      { opens: { panel: "Resources by namespace" }, description: "Of the whole stack." },
    ),
  ],
  rows: [
    {
      title: "Logs",
      panels: [
        bars(
          "Log bytes by tenant",
          "bytes",
          of(watcher, { "{{tenant}}": came(`loki_distributor_bytes_received_total{${loki}}`, "tenant") }),
          { description: "In the time range, before compression." },
        ),
        bars(
          "Log bytes by namespace",
          "bytes",
          of(logs, {
            "{{namespace}}":
              'topk(20, sum by (namespace) (bytes_over_time({cluster=~"$cluster", namespace=~".+", namespace=~"$namespace"}[$__range])))',
          }),
          { description: "In the time range." },
        ),
        timeSeries(
          "Log throughput by namespace",
          "Bps",
          of(logs, {
            "{{namespace}}":
              'topk(10, sum by (namespace) (bytes_rate({cluster=~"$cluster", namespace=~".+", namespace=~"$namespace"}[$__auto])))',
          }),
          { stacked: true },
        ),
      ],
    },
    {
      title: "Metrics",
      panels: [
        bars(
          "Active series by tenant",
          "short",
          of(watcher, {
            "{{user}}":
              `sum by (user) (cortex_ingester_active_series{${mimir}}) / ` +
              `scalar(max(cortex_distributor_replication_factor{${mimir}}))`,
          }),
          { description: "Without replicas." },
        ),
        bars(
          "Active series by namespace",
          "short",
          of(metrics, {
            "{{namespace}}": `topk(20, count by (namespace) ({__name__=~".+", ${inCluster}, namespace=~".+", namespace=~"$namespace"}))`,
          }),
          { description: "By the namespace label of the series." },
        ),
        timeSeries(
          "Sample rate by tenant",
          samplesPerSecond,
          of(watcher, { "{{user}}": rate(`cortex_distributor_received_samples_total{${mimir}}`, "user") }),
          { stacked: true },
        ),
        table(
          "Top metrics by active series",
          of(metrics, {
            series: `topk(20, count by (__name__) ({__name__=~".+", ${inCluster}, namespace=~"$namespace"}))`,
          }),
          {
            width: 16,
            height: 12,
            columns: [
              { field: "__name__", heading: "Metric" },
              { field: "Value #A", heading: "Series", unit: "short" },
            ],
            description: "A metric with many series has a label with many values.",
          },
        ),
        bars(
          "Active series by job",
          "short",
          of(metrics, {
            "{{job}}": named(
              `topk(10, count by (job) ({__name__=~".+", ${inCluster}, namespace=~"$namespace"}))`,
              "job",
              "none",
            ),
          }),
          { height: 12 },
        ),
      ],
    },
    {
      title: "Traces",
      panels: [
        bars(
          "Span bytes by tenant",
          "bytes",
          of(watcher, { "{{tenant}}": came(`tempo_distributor_bytes_received_total{${tempo}}`, "tenant") }),
          { none: "No traces", description: "In the time range." },
        ),
        timeSeries(
          "Span rate by tenant",
          spansPerSecond,
          of(watcher, { "{{tenant}}": rate(`tempo_distributor_spans_received_total{${tempo}}`, "tenant") }),
          { stacked: true, none: "No traces" },
        ),
        bars(
          "Span rate by service",
          spansPerSecond,
          of(metrics, {
            "{{service}}": `topk(20, ${rate(`traces_spanmetrics_calls_total{${inCluster}}`, "service")})`,
          }),
          { none: "No traces", description: "Before sampling." },
        ),
      ],
    },
    {
      title: "Storage",
      collapsed: true,
      panels: [
        bars("Bytes by bucket", "bytes", of(watcher, { "{{bucket}}": buckets }), {
          none: "External storage",
        }),
        timeSeries("Bytes by bucket over time", "bytes", of(watcher, { "{{bucket}}": buckets }), {
          stacked: true,
          none: "External storage",
        }),
        bars(
          "PVC requests by namespace",
          "bytes",
          of(watcher, {
            "{{namespace}}": `sum by (namespace) (kube_persistentvolumeclaim_resource_requests_storage_bytes{${stack}})`,
          }),
          { none: "No PVCs", description: "Requested storage of the stack's PVCs." },
        ),
      ],
    },
    {
      title: "Stack resource usage",
      panels: [
        table(
          "Resources by namespace",
          of(watcher, {
            "CPU requests": `sum by (namespace) (kube_pod_container_resource_requests{${stack}, resource="cpu"})`,
            "CPU used": `sum by (namespace) (rate(container_cpu_usage_seconds_total{${stack}, container!=""}[$__rate_interval]))`,
            "Memory requests": `sum by (namespace) (kube_pod_container_resource_requests{${stack}, resource="memory"})`,
            "Memory used": `sum by (namespace) (container_memory_working_set_bytes{${stack}, container!=""})`,
          }),
          {
            columns: [
              { field: "namespace", heading: "Namespace" },
              { field: "Value #A", heading: "CPU requests", unit: cores },
              { field: "Value #B", heading: "CPU usage", unit: cores },
              { field: "Value #C", heading: "Memory requests", unit: "bytes" },
              { field: "Value #D", heading: "Memory usage", unit: "bytes" },
            ],
            description: "Requests are reserved on nodes, whatever the usage.",
          },
        ),
      ],
    },
  ],
};
