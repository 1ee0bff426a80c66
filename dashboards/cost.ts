import { namespaces } from "../names";
import {
  bars,
  clusterVariable,
  type Dashboard,
  inCluster,
  logs,
  metrics,
  of,
  pie,
  rate,
  table,
  timeSeries,
  watcher,
  within,
} from "./kit";

const loki = within(namespaces.loki);
const mimir = within(namespaces.mimir);
const tempo = within(namespaces.tempo);
/** Where the stack runs. */
const stack = `${inCluster}, namespace=~"${Object.values(namespaces).join("|")}"`;
/** How much came in the time that is shown. */
const came = (counter: string, by: string) => `sum by (${by}) (increase(${counter}[$__range]))`;
/** Each bucket, once: every server that is asked says the same. */
const buckets = `max by (bucket) (minio_bucket_usage_total_bytes{${inCluster}})`;

/** Cost and cardinality (R12): who sends what, and what keeping it takes. */
export const cost: Dashboard = {
  uid: "cost",
  title: "Cost and cardinality",
  purpose:
    "Who sends how much, and what does keeping it take? For whoever pays for the stack or wants to make it smaller: " +
    "bytes, series and spans by who sends them, and the CPU, memory and storage that they become.",
  tags: ["cost"],
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
  next: {
    "stack-health": "Monitoring stack health",
    "loki-operations": "Loki operations",
    "mimir-operations": "Mimir operations",
    "tempo-operations": "Tempo operations",
    minio: "MinIO storage",
  },
  runbooks: ["MinioStorageFilling", "LogsRejected", "MetricsRejected", "TracesRejected"],
  from: "now-6h",
  rows: [
    {
      title: "Logs",
      panels: [
        bars(
          "Bytes by tenant",
          "bytes",
          of(watcher, { "{{tenant}}": came(`loki_distributor_bytes_received_total{${loki}}`, "tenant") }),
          { description: "In the time that is shown, before compression." },
        ),
        bars(
          "Bytes by namespace",
          "bytes",
          of(logs, {
            "{{namespace}}":
              'topk(20, sum by (namespace) (bytes_over_time({cluster=~"$cluster", namespace=~".+", namespace=~"$namespace"}[$__range])))',
          }),
          { description: "In the time that is shown." },
        ),
        timeSeries(
          "Bytes by namespace over time",
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
          { description: "Each series once, however many replicas it has." },
        ),
        bars(
          "Series by namespace",
          "short",
          of(metrics, {
            "{{namespace}}": `topk(20, count by (namespace) ({__name__=~".+", ${inCluster}, namespace=~".+", namespace=~"$namespace"}))`,
          }),
          { description: "By the namespace that they are about." },
        ),
        timeSeries(
          "Samples by tenant",
          "cps",
          of(watcher, { "{{user}}": rate(`cortex_distributor_received_samples_total{${mimir}}`, "user") }),
          { stacked: true },
        ),
        table(
          "Names with the most series",
          of(metrics, {
            series: `topk(20, count by (__name__) ({__name__=~".+", ${inCluster}, namespace=~"$namespace"}))`,
          }),
          {
            width: 16,
            height: 12,
            description: "Each line is a metric; a label with many values is what makes it long.",
            columns: [
              { field: "__name__", heading: "Metric" },
              { field: "Value #A", heading: "Series", unit: "short" },
            ],
          },
        ),
        bars(
          "Series by job",
          "short",
          of(metrics, {
            "{{job}}": `topk(10, count by (job) ({__name__=~".+", ${inCluster}, namespace=~"$namespace"}))`,
          }),
          { height: 12 },
        ),
      ],
    },
    {
      title: "Traces",
      panels: [
        bars(
          "Bytes by tenant",
          "bytes",
          of(watcher, { "{{tenant}}": came(`tempo_distributor_bytes_received_total{${tempo}}`, "tenant") }),
          { description: "In the time that is shown. Empty while no application sends traces." },
        ),
        timeSeries(
          "Spans by tenant",
          "cps",
          of(watcher, { "{{tenant}}": rate(`tempo_distributor_spans_received_total{${tempo}}`, "tenant") }),
          { stacked: true },
        ),
        bars(
          "Spans by service",
          "cps",
          of(metrics, {
            "{{service}}": `topk(20, ${rate(`traces_spanmetrics_calls_total{${inCluster}}`, "service")})`,
          }),
          { description: "What services made before sampling, a second." },
        ),
      ],
    },
    {
      title: "Storage",
      panels: [
        pie("Bytes by bucket", "bytes", of(watcher, { "{{bucket}}": buckets })),
        timeSeries("Bytes by bucket over time", "bytes", of(watcher, { "{{bucket}}": buckets }), {
          stacked: true,
        }),
        bars(
          "Volumes by namespace",
          "bytes",
          of(watcher, {
            "{{namespace}}": `sum by (namespace) (kube_persistentvolumeclaim_resource_requests_storage_bytes{${stack}})`,
          }),
          { description: "What the stack's claims ask for." },
        ),
      ],
    },
    {
      title: "What the stack takes",
      panels: [
        table(
          "CPU and memory by namespace",
          of(watcher, {
            "CPU asked for": `sum by (namespace) (kube_pod_container_resource_requests{${stack}, resource="cpu"})`,
            "CPU used": `sum by (namespace) (rate(container_cpu_usage_seconds_total{${stack}, container!=""}[$__rate_interval]))`,
            "Memory asked for": `sum by (namespace) (kube_pod_container_resource_requests{${stack}, resource="memory"})`,
            "Memory used": `sum by (namespace) (container_memory_working_set_bytes{${stack}, container!=""})`,
          }),
          {
            description: "Asked for is what nodes set aside for it, used or not.",
            columns: [
              { field: "namespace", heading: "Namespace" },
              { field: "Value #A", heading: "CPU asked for", unit: "cores" },
              { field: "Value #B", heading: "CPU used", unit: "cores" },
              { field: "Value #C", heading: "Memory asked for", unit: "bytes" },
              { field: "Value #D", heading: "Memory used", unit: "bytes" },
            ],
          },
        ),
      ],
    },
  ],
};
