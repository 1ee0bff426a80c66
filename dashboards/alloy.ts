import { defaultNamespaces as namespaces } from "../names";
import {
  clusterVariable,
  type Dashboard,
  errorsPerSecond,
  grownOrZero,
  inCluster,
  linesPerSecond,
  metrics,
  named,
  of,
  podsRow,
  rate,
  rateOrZero,
  remoteWriteLag,
  samplesPerSecond,
  spansPerSecond,
  stat,
  timeSeries,
  total,
  watcher,
  within,
} from "./kit";

/** The selected Alloy pods. */
const alloy = `${inCluster}, job=~"$alloy", pod=~"$pod"`;
const logs = `${within(namespaces.alloyLogs)}, pod=~"$pod"`;
const metricsOf = `${within(namespaces.alloyMetrics)}, pod=~"$pod"`;
const traces = `${within(namespaces.alloyTraces)}, pod=~"$pod"`;
/** The exporter to Tempo; others forward spans between Alloy pods. */
const toTempo = `${traces}, component_id="otelcol.exporter.otlphttp.tempo"`;

/** Alloy: delivery of the collected signals. */
export const alloyHealth: Dashboard = {
  uid: "alloy",
  title: "Alloy health",
  purpose:
    "Do the collectors deliver what they collect? Start here if logs, metrics or traces are missing: " +
    "received, sent, buffered and dropped data of each Alloy pod.",
  tags: ["alloy"],
  none: "No Alloy metrics",
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
  numbers: [
    stat("Alloy pods up", "short", of(watcher, { pods: `sum(alloy_build_info{${alloy}})` }), {
      thresholds: { below: [1] },
      opens: { panel: "Components by health" },
      runbook: "CollectorTargetMissing",
      description: "Pods that Prometheus can scrape.",
    }),
    stat(
      "Component errors",
      "short",
      of(watcher, {
        components: `sum(alloy_component_controller_running_components{${alloy}, health_type!="healthy"}) or vector(0)`,
      }),
      {
        thresholds: { above: [1] },
        opens: { panel: "Components by health" },
        description: "Pipeline components that did not start or have failed.",
      },
    ),
    stat(
      "Config errors",
      "short",
      of(watcher, { pods: `count(alloy_config_last_load_successful{${alloy}} == 0) or vector(0)` }),
      {
        thresholds: { above: [1] },
        opens: { panel: "Configuration load failures" },
        description: "Pods that still run their previous configuration.",
      },
    ),
    total(
      "Dropped log lines",
      "short",
      of(watcher, { lines: grownOrZero(`otelcol_exporter_send_failed_log_records_total{${logs}}`) }),
      {
        decimals: 0,
        thresholds: { above: [1, 100] },
        opens: { panel: "Log pipeline" },
        runbook: "LogsDropped",
        description: "In the time range: rejected by Loki, not retried.",
      },
    ),
    total(
      "Dropped samples",
      "short",
      of(watcher, {
        samples: grownOrZero(`prometheus_remote_storage_samples_failed_total{${metricsOf}}`),
      }),
      {
        decimals: 0,
        thresholds: { above: [1, 1000] },
        opens: { panel: "Samples retried or dropped" },
        runbook: "AlloyRemoteWriteErrors",
        description: "In the time range: rejected by Mimir, not retried.",
      },
    ),
    total(
      "Dropped spans",
      "short",
      of(watcher, {
        spans: [
          grownOrZero(`otelcol_exporter_send_failed_spans_total{${toTempo}}`),
          grownOrZero(`otelcol_exporter_enqueue_failed_spans_total{${toTempo}}`),
        ].join(" + "),
      }),
      {
        decimals: 0,
        thresholds: { above: [1, 100] },
        opens: { panel: "Spans sent to Tempo" },
        runbook: "TracesDropped",
        description: "In the time range: rejected by Tempo, or the queue was full.",
      },
    ),
  ],
  rows: [
    {
      title: "Logs",
      panels: [
        timeSeries(
          "Log pipeline",
          linesPerSecond,
          of(watcher, {
            read: rate(`otelcol_receiver_accepted_log_records_total{${logs}}`),
            sent: rate(`otelcol_exporter_sent_log_records_total{${logs}}`),
            "filtered: {{component_id}}": rate(
              `otelcol_processor_filter_logs_filtered_total{${logs}}`,
              "component_id",
            ),
            dropped: `${rate(`otelcol_exporter_send_failed_log_records_total{${logs}}`)} > 0`,
          }),
          { width: 12, description: "Filtered: health checks and excluded levels. Dropped: lost." },
        ),
        timeSeries(
          "Loki push requests by status code",
          "reqps",
          of(watcher, {
            "{{http_response_status_code}}": named(
              rate(
                `http_client_request_duration_seconds_count{${logs}, component_id="otelcol.exporter.otlphttp.loki"}`,
                "http_response_status_code",
              ),
              "http_response_status_code",
              "no response",
            ),
          }),
          {
            width: 12,
            description: "2xx: accepted. `no response`: the request timed out or the connection failed.",
          },
        ),
        timeSeries(
          "Log buffer on disk",
          "bytes",
          of(watcher, {
            "{{pod}}": `sum by (pod) (otelcol_exporter_queue_size{${logs}, data_type="logs"})`,
            capacity: `max(otelcol_exporter_queue_capacity{${logs}, data_type="logs"})`,
          }),
          {
            width: 12,
            runbook: "AlloyBufferGrowing",
            description: "Holds entries while Loki is unavailable. When it is full, reading pauses.",
          },
        ),
        timeSeries(
          "Log files open",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (otelcol_fileconsumer_open_files{${logs}})` }),
          { width: 12 },
        ),
      ],
    },
    {
      title: "Metrics",
      panels: [
        timeSeries(
          "Scrape targets up",
          "percentunit",
          of(metrics, { "{{job}}": `avg by (job) (up{${inCluster}}) < 1`, all: `avg(up{${inCluster}})` }),
          {
            min: 0,
            max: 1,
            description: "All targets that Alloy scrapes, and each job with failing targets.",
          },
        ),
        timeSeries(
          "Targets by scrape component",
          "short",
          of(watcher, {
            "{{component_path}} {{component_id}}": `sum by (component_path, component_id) (prometheus_target_scrape_pool_targets{${metricsOf}})`,
          }),
        ),
        timeSeries(
          "Samples collected and sent",
          samplesPerSecond,
          of(watcher, {
            collected: rate(`prometheus_remote_storage_samples_in_total{${metricsOf}}`),
            "{{component_path}} sent": rate(
              `prometheus_remote_storage_samples_total{${metricsOf}}`,
              "component_path",
            ),
          }),
          { description: "Collected by all pipelines; sent to each tenant, retries included." },
        ),
        timeSeries(
          "Samples retried or dropped",
          samplesPerSecond,
          of(watcher, {
            "{{component_path}} retried": rate(
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
          "Remote-write lag",
          "s",
          of(watcher, {
            "{{pod}} {{component_path}}": remoteWriteLag(metricsOf),
          }),
          {
            thresholds: { above: [60, 300] },
            none: "No samples sent",
            description: "Difference between the newest collected sample and the newest sample in Mimir.",
          },
        ),
        timeSeries(
          "Buffer on disk",
          "bytes",
          of(watcher, {
            "{{pod}} {{component_path}}": `sum by (pod, component_path) (prometheus_tsdb_wal_storage_size_bytes{${metricsOf}})`,
          }),
          { description: "The write-ahead log, which holds samples while Mimir is unavailable." },
        ),
        timeSeries(
          "Active series in the WAL",
          "short",
          of(watcher, {
            "{{pod}} {{component_path}}": `sum by (pod, component_path) (prometheus_remote_write_wal_storage_active_series{${metricsOf}})`,
          }),
          { description: "The main consumer of Alloy's memory." },
        ),
        timeSeries(
          "Remote-write shards, % of maximum",
          "percentunit",
          of(watcher, {
            "{{pod}} {{component_path}}":
              `max by (pod, component_path) (prometheus_remote_storage_shards_desired{${metricsOf}} ` +
              `/ prometheus_remote_storage_shards_max{${metricsOf}})`,
          }),
          {
            min: 0,
            thresholds: { above: [0.8, 1] },
            description: "At 100 % Alloy cannot send as fast as it collects.",
          },
        ),
        timeSeries(
          "Cluster peers",
          "short",
          of(watcher, { "{{pod}} sees": `sum by (pod) (cluster_node_peers{${metricsOf}})` }),
          {
            description:
              "Alloy pods share targets. If their peer counts differ, some targets are scraped twice.",
          },
        ),
      ],
    },
    {
      title: "Traces",
      panels: [
        timeSeries(
          "Spans received",
          spansPerSecond,
          of(watcher, {
            "{{component_id}}": rate(`otelcol_receiver_accepted_spans_total{${traces}}`, "component_id"),
            refused: rateOrZero(`otelcol_receiver_refused_spans_total{${traces}}`),
            failed: rateOrZero(`otelcol_receiver_failed_spans_total{${traces}}`),
          }),
          {
            description:
              "From applications and from other Alloy pods: all spans of a trace go to one pod. Refused: out of memory or queue full; the sender may retry.",
          },
        ),
        timeSeries(
          "Spans sent to Tempo",
          spansPerSecond,
          of(watcher, {
            sent: rateOrZero(`otelcol_exporter_sent_spans_total{${toTempo}}`),
            rejected: rateOrZero(`otelcol_exporter_send_failed_spans_total{${toTempo}}`),
            "dropped: queue full": rateOrZero(`otelcol_exporter_enqueue_failed_spans_total{${toTempo}}`),
          }),
          { description: "Fewer than received if sampling is on." },
        ),
        timeSeries(
          "Tempo queue, % of capacity",
          "percentunit",
          of(watcher, {
            "{{pod}}":
              `max by (pod) (otelcol_exporter_queue_size{${toTempo}, data_type="traces"} ` +
              `/ otelcol_exporter_queue_capacity{${toTempo}, data_type="traces"})`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { above: [0.5, 0.8] },
            runbook: "TracesDropped",
            description: "Batches waiting for Tempo, in memory. When the queue is full, spans are lost.",
          },
        ),
        timeSeries(
          "Load-balancing exporter backends",
          "short",
          of(watcher, { "{{pod}} sees": `max by (pod) (otelcol_loadbalancer_num_backends{${traces}})` }),
          {
            width: 12,
            description:
              "If pods see different backends, traces can be split. Empty if Alloy neither samples traces nor counts spans.",
          },
        ),
        timeSeries(
          "k8sattributes: cached pods",
          "short",
          of(watcher, { "{{pod}}": `max by (pod) (otelcol_otelsvc_k8s_pod_table_size_ratio{${traces}})` }),
          { width: 12, description: "Pods whose metadata can be added to spans." },
        ),
      ],
    },
    {
      title: "Alloy itself",
      collapsed: true,
      panels: [
        timeSeries(
          "Components by health",
          "short",
          of(watcher, {
            "{{job}} {{health_type}}": `sum by (job, health_type) (alloy_component_controller_running_components{${alloy}})`,
          }),
        ),
        timeSeries(
          "Configuration load failures",
          errorsPerSecond,
          of(watcher, { "{{pod}}": rate(`alloy_config_load_failures_total{${alloy}}`, "pod") }),
        ),
        timeSeries(
          "Component evaluation queue",
          "short",
          of(watcher, {
            "{{pod}}": `sum by (pod) (alloy_component_evaluation_queue_size{${alloy}})`,
          }),
          { description: "If it stays high, Alloy is too slow for the changes it discovers." },
        ),
      ],
    },
    podsRow('namespace=~"alloy-.+", namespace=~"$alloy", pod=~"$pod"'),
  ],
};
