import { namespaces } from "../names";
import {
  clusterVariable,
  type Dashboard,
  grownOrZero,
  inCluster,
  metrics,
  of,
  podsRow,
  rate,
  rateOrZero,
  stat,
  timeSeries,
  watcher,
  within,
} from "./kit";

/** The chosen Alloys. */
const alloy = `${inCluster}, job=~"$alloy", pod=~"$pod"`;
const logs = `${within(namespaces.alloyLogs)}, pod=~"$pod"`;
const metricsOf = `${within(namespaces.alloyMetrics)}, pod=~"$pod"`;
const traces = `${within(namespaces.alloyTraces)}, pod=~"$pod"`;
/** The exporter whose queue holds what Tempo did not take yet; others pass spans on between Alloys. */
const toTempo = `${traces}, component_id="otelcol.exporter.otlphttp.tempo"`;

/** Alloy health (R12): whether the collectors deliver what they collect. */
export const alloyHealth: Dashboard = {
  uid: "alloy",
  title: "Alloy health",
  purpose:
    "Do the collectors deliver what they collect? For whoever misses logs, metrics or traces: what each Alloy took in, " +
    "what it sent, what waits in it and what it gave up.",
  tags: ["alloy"],
  sources: [watcher, metrics],
  variables: [
    clusterVariable(watcher),
    { name: "alloy", label: "Alloy", source: watcher, series: `alloy_build_info{${inCluster}}`, of: "job" },
    {
      name: "pod",
      label: "Pod",
      source: watcher,
      series: `alloy_build_info{${inCluster}, job=~"$alloy"}`,
    },
  ],
  next: {
    "stack-health": "Monitoring stack health",
    "loki-operations": "Loki operations",
    "mimir-operations": "Mimir operations",
    "tempo-operations": "Tempo operations",
  },
  runbooks: [
    "AlloyRemoteWriteErrors",
    "AlloyBufferGrowing",
    "LogsDropped",
    "TracesDropped",
    "StackTargetMissing",
  ],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat("Alloys up", "short", of(watcher, { pods: `sum(alloy_build_info{${alloy}})` }), {
          thresholds: { yellow: 1, red: 1 },
          description: "Pods that answer.",
        }),
        stat(
          "Unhealthy components",
          "short",
          of(watcher, {
            components: `sum(alloy_component_controller_running_components{${alloy}, health_type!="healthy"}) or vector(0)`,
          }),
          {
            thresholds: { yellow: 1, red: 1 },
            description: "Parts of a pipeline that did not start or gave up.",
          },
        ),
        stat(
          "Configurations not loaded",
          "short",
          of(watcher, { pods: `count(alloy_config_last_load_successful{${alloy}} == 0) or vector(0)` }),
          {
            thresholds: { yellow: 1, red: 1 },
            description: "Alloys that go on with the configuration before.",
          },
        ),
        stat(
          "Lines dropped",
          "short",
          of(watcher, { lines: grownOrZero(`otelcol_exporter_send_failed_log_records_total{${logs}}`) }),
          {
            decimals: 0,
            thresholds: { yellow: 1, red: 100 },
            description: "In the time that is shown: Loki refused them for good.",
          },
        ),
        stat(
          "Samples dropped",
          "short",
          of(watcher, {
            samples: grownOrZero(`prometheus_remote_storage_samples_failed_total{${metricsOf}}`),
          }),
          {
            decimals: 0,
            thresholds: { yellow: 1, red: 1000 },
            description: "In the time that is shown: Mimir refused them for good.",
          },
        ),
        stat(
          "Spans dropped",
          "short",
          of(watcher, {
            spans: [
              grownOrZero(`otelcol_exporter_send_failed_spans_total{${toTempo}}`),
              grownOrZero(`otelcol_exporter_enqueue_failed_spans_total{${toTempo}}`),
            ].join(" + "),
          }),
          {
            decimals: 0,
            thresholds: { yellow: 1, red: 100 },
            description: "In the time that is shown: Tempo refused them for good, or the queue was full.",
          },
        ),
      ],
    },
    {
      title: "Logs",
      panels: [
        timeSeries(
          "Entries",
          "cps",
          of(watcher, {
            read: rate(`otelcol_receiver_accepted_log_records_total{${logs}}`),
            sent: rate(`otelcol_exporter_sent_log_records_total{${logs}}`),
            "left out: {{component_id}}": rate(
              `otelcol_processor_filter_logs_filtered_total{${logs}}`,
              "component_id",
            ),
            dropped: `${rate(`otelcol_exporter_send_failed_log_records_total{${logs}}`)} > 0`,
          }),
          { description: "Left out: health checks, and what is no error in some namespaces. Dropped: lost." },
        ),
        timeSeries(
          "Pushes to Loki by status",
          "reqps",
          of(watcher, {
            "{{http_response_status_code}}": rate(
              `http_client_request_duration_seconds_count{${logs}, component_id="otelcol.exporter.otlphttp.loki"}`,
              "http_response_status_code",
            ),
          }),
          { description: "200 and 204 are successes; without a status there was no answer." },
        ),
        timeSeries(
          "Buffer on disk",
          "bytes",
          of(watcher, {
            "{{pod}}": `sum by (pod) (otelcol_exporter_queue_size{${logs}, data_type="logs"})`,
            capacity: `max(otelcol_exporter_queue_capacity{${logs}, data_type="logs"})`,
          }),
          { description: "Holds entries while Loki is unavailable. When it is full, reading waits." },
        ),
        timeSeries(
          "Log files open",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (otelcol_fileconsumer_open_files{${logs}})` }),
        ),
      ],
    },
    {
      title: "Metrics",
      panels: [
        timeSeries(
          "Targets that answer",
          "percentunit",
          of(metrics, { "{{job}}": `avg by (job) (up{${inCluster}}) < 1`, all: `avg(up{${inCluster}})` }),
          {
            min: 0,
            max: 1,
            description: "Of what Alloy scrapes: all of them, and each job where some do not.",
          },
        ),
        timeSeries(
          "Targets by pipeline",
          "short",
          of(watcher, {
            "{{component_path}} {{component_id}}": `sum by (component_path, component_id) (prometheus_target_scrape_pool_targets{${metricsOf}})`,
          }),
        ),
        timeSeries(
          "Samples",
          "cps",
          of(watcher, {
            collected: rate(`prometheus_remote_storage_samples_in_total{${metricsOf}}`),
            "{{component_path}} sent": rate(
              `prometheus_remote_storage_samples_total{${metricsOf}}`,
              "component_path",
            ),
          }),
          { description: "Collected by all pipelines, sent by each tenant's. Sent counts each try." },
        ),
        timeSeries(
          "Samples tried again or dropped",
          "cps",
          of(watcher, {
            "{{component_path}} again": rate(
              `prometheus_remote_storage_samples_retried_total{${metricsOf}}`,
              "component_path",
            ),
            "{{component_path}} dropped": rate(
              `prometheus_remote_storage_samples_failed_total{${metricsOf}}`,
              "component_path",
            ),
          }),
        ),
        timeSeries(
          "Delay of samples",
          "s",
          of(watcher, {
            "{{pod}} {{component_path}}":
              `max by (pod, component_path) (prometheus_remote_storage_queue_highest_timestamp_seconds{${metricsOf}} ` +
              `- prometheus_remote_storage_queue_highest_sent_timestamp_seconds{${metricsOf}})`,
          }),
          {
            thresholds: { yellow: 60, red: 300 },
            description: "How far the newest sample that Mimir has is behind the newest that was collected.",
          },
        ),
        timeSeries(
          "Buffer on disk",
          "bytes",
          of(watcher, {
            "{{pod}} {{component_path}}": `sum by (pod, component_path) (prometheus_tsdb_wal_storage_size_bytes{${metricsOf}})`,
          }),
          { description: "The write-ahead log, which holds samples while Mimir is away." },
        ),
        timeSeries(
          "Series",
          "short",
          of(watcher, {
            "{{pod}} {{component_path}}": `sum by (pod, component_path) (prometheus_remote_write_wal_storage_active_series{${metricsOf}})`,
          }),
          { description: "What its memory goes for." },
        ),
        timeSeries(
          "Senders against their greatest number",
          "percentunit",
          of(watcher, {
            "{{pod}} {{component_path}}":
              `max by (pod, component_path) (prometheus_remote_storage_shards_desired{${metricsOf}} ` +
              `/ prometheus_remote_storage_shards_max{${metricsOf}})`,
          }),
          {
            min: 0,
            thresholds: { yellow: 0.8, red: 1 },
            description: "From 100 % on it cannot send as fast as it collects.",
          },
        ),
        timeSeries(
          "Members of the cluster",
          "short",
          of(watcher, { "{{pod}} sees": `sum by (pod) (cluster_node_peers{${metricsOf}})` }),
          {
            description:
              "Alloys share the targets among them. Where one sees fewer than another, some are scraped twice.",
          },
        ),
      ],
    },
    {
      title: "Traces",
      panels: [
        timeSeries(
          "Spans received",
          "cps",
          of(watcher, {
            "{{component_id}}": rate(`otelcol_receiver_accepted_spans_total{${traces}}`, "component_id"),
            refused: rateOrZero(`otelcol_receiver_refused_spans_total{${traces}}`),
            failed: rateOrZero(`otelcol_receiver_failed_spans_total{${traces}}`),
          }),
          {
            description:
              "From applications, and from other Alloys, as all spans of a trace meet in one. Refused: it is short " +
              "of memory, or its queue is full, and who sends may try again.",
          },
        ),
        timeSeries(
          "Spans sent to Tempo",
          "cps",
          of(watcher, {
            sent: rateOrZero(`otelcol_exporter_sent_spans_total{${toTempo}}`),
            "refused for good": rateOrZero(`otelcol_exporter_send_failed_spans_total{${toTempo}}`),
            "queue was full": rateOrZero(`otelcol_exporter_enqueue_failed_spans_total{${toTempo}}`),
          }),
          { description: "Fewer than received where sampling leaves some out." },
        ),
        timeSeries(
          "Queue against its capacity",
          "percentunit",
          of(watcher, {
            "{{pod}}":
              `max by (pod) (otelcol_exporter_queue_size{${toTempo}, data_type="traces"} ` +
              `/ otelcol_exporter_queue_capacity{${toTempo}, data_type="traces"})`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { yellow: 0.5, red: 0.8 },
            description: "Batches that wait for Tempo, in memory. When it is full, spans are lost.",
          },
        ),
        timeSeries(
          "Alloys that share traces",
          "short",
          of(watcher, { "{{pod}} sees": `max by (pod) (otelcol_loadbalancer_num_backends{${traces}})` }),
          { width: 12, description: "Where one sees others than another, a trace may be cut in two." },
        ),
        timeSeries(
          "Pods known",
          "short",
          of(watcher, { "{{pod}}": `max by (pod) (otelcol_otelsvc_k8s_pod_table_size_ratio{${traces}})` }),
          { width: 12, description: "Of which it can say to what pod a span belongs." },
        ),
      ],
    },
    {
      title: "Alloy itself",
      panels: [
        timeSeries(
          "Components by health",
          "short",
          of(watcher, {
            "{{job}} {{health_type}}": `sum by (job, health_type) (alloy_component_controller_running_components{${alloy}})`,
          }),
        ),
        timeSeries(
          "Failed loads of the configuration",
          "cps",
          of(watcher, { "{{pod}}": rate(`alloy_config_load_failures_total{${alloy}}`, "pod") }),
        ),
        timeSeries(
          "Waiting changes of components",
          "short",
          of(watcher, {
            "{{pod}}": `sum by (pod) (alloy_component_evaluation_queue_size{${alloy}})`,
          }),
          { description: "If it stays high, an Alloy is too slow to follow what is discovered." },
        ),
      ],
    },
    podsRow('namespace=~"alloy-.+", namespace=~"$alloy", pod=~"$pod"'),
  ],
};
