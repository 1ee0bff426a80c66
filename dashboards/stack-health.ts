import { namespaces } from "../names";
import {
  clusterVariable,
  type Dashboard,
  grownOrZero,
  inCluster,
  type Look,
  metrics,
  of,
  rate,
  rateOrZero,
  share,
  stat,
  table,
  timeSeries,
  watcher,
  within,
} from "./kit";

const collector = { logs: within(namespaces.alloyLogs), traces: within(namespaces.alloyTraces) };
const loki = within(namespaces.loki);
const mimir = within(namespaces.mimir);
const tempo = within(namespaces.tempo);
/** Where the stack runs. */
const stack = `${inCluster}, namespace=~"${Object.values(namespaces).join("|")}"`;
/** All who write to Mimir: Alloy for metrics, Prometheus, and who makes metrics of spans. */
const writers = `${inCluster}, namespace=~"${[
  namespaces.alloyMetrics,
  namespaces.alloyTraces,
  namespaces.monitoring,
  namespaces.tempo,
].join("|")}"`;
const toTempo = `${collector.traces}, component_id="otelcol.exporter.otlphttp.tempo"`;

/** Eight of them stand beside each other. */
const small: Look = { width: 3 };
const none = { yellow: 1, red: 1 };
const ratio = { yellow: 0.001, red: 0.01 };
/** Nothing is red, almost nothing yellow. */
const flowing = { yellow: 1, red: 0.01 };
const successes = { yellow: 0.999, red: 0.99 };

const samplesIn = `prometheus_remote_storage_samples_in_total{${writers}}`;
const samplesTried = rate(`prometheus_remote_storage_samples_total{${writers}}`);
const samplesAgain = rateOrZero(`prometheus_remote_storage_samples_retried_total{${writers}}`);
const samplesDropped = rateOrZero(`prometheus_remote_storage_samples_failed_total{${writers}}`);
const samplesRejected = rateOrZero(`cortex_discarded_samples_total{${mimir}}`);

const linesRead = rate(`otelcol_receiver_accepted_log_records_total{${collector.logs}}`);
const linesDropped = rateOrZero(`otelcol_exporter_send_failed_log_records_total{${collector.logs}}`);
const linesRejected = rateOrZero(`loki_discarded_samples_total{${loki}}`);

/** What applications send, without what Alloys send each other. */
const spansIn = rateOrZero(
  `otelcol_receiver_accepted_spans_total{${collector.traces}, component_id=~"otelcol.receiver.+apps"}`,
);
const spansDropped = [
  rateOrZero(`otelcol_exporter_send_failed_spans_total{${toTempo}}`),
  rateOrZero(`otelcol_exporter_enqueue_failed_spans_total{${toTempo}}`),
].join(" + ");
const spansRefused = rateOrZero(`tempo_discarded_spans_total{${tempo}}`);

const lokiQueries = `${loki}, container="query-frontend", route=~"loki_api_v1_.+", route!~".*(buildinfo|tail)"`;
const mimirQueries = `${mimir}, container="query-frontend", route=~"prometheus_api_v1_.+"`;
const tempoQueries = `${tempo}, container="query-frontend", route=~"api_.+", route!="api_echo"`;

/** Monitoring stack health (R12): whether what all other dashboards show can be trusted. */
export const stackHealth: Dashboard = {
  uid: "stack-health",
  title: "Monitoring stack health",
  purpose:
    "Can observability itself be trusted now? First whether it watches and alerts at all, then each signal on its way " +
    "from collector to bucket. Prometheus tells it, so it also holds while Mimir is away.",
  tags: ["health"],
  sources: [watcher, metrics],
  variables: [clusterVariable(watcher)],
  next: {
    alloy: "Alloy health",
    "loki-operations": "Loki operations",
    "mimir-operations": "Mimir operations",
    "tempo-operations": "Tempo operations",
    minio: "MinIO storage",
    cost: "Cost and cardinality",
  },
  runbooks: [
    "StackTargetMissing",
    "RingUnhealthy",
    "ObjectStorageUnreachable",
    "IngestBudgetBurning",
    "QueryBudgetBurning",
    "FreshnessBudgetBurning",
    "NoLogsIngested",
    "NoMetricsIngested",
    "NoTracesIngested",
  ],
  rows: [
    {
      title: "Does it watch, and does it alert?",
      panels: [
        stat(
          "Watchdog",
          "short",
          of(watcher, {
            watchdog: `count(ALERTS{${inCluster}, alertname="Watchdog", alertstate="firing"}) or vector(0)`,
          }),
          {
            ...small,
            thresholds: flowing,
            words: { 0: "silent" },
            description: "An alert that always fires. Without it Prometheus does not evaluate alerts.",
          },
        ),
        stat("Targets down", "short", of(watcher, { targets: `count(up{${stack}} == 0) or vector(0)` }), {
          ...small,
          thresholds: none,
          description: "Parts of the stack that do not answer; the table names them.",
        }),
        stat(
          "Rings unhealthy",
          "short",
          of(watcher, {
            members: `sum(max by (namespace, name) ({__name__=~"(loki|cortex|tempo)_ring_members", ${inCluster}, state="Unhealthy"}))`,
          }),
          {
            ...small,
            thresholds: none,
            description: "Members of Loki's, Mimir's and Tempo's rings that stopped their heartbeats.",
          },
        ),
        stat(
          "Critical alerts",
          "short",
          of(watcher, {
            alerts: `count(ALERTS{${inCluster}, alertstate="firing", severity="critical"}) or vector(0)`,
          }),
          { ...small, thresholds: none },
        ),
        stat(
          "Warnings",
          "short",
          of(watcher, {
            alerts: `count(ALERTS{${inCluster}, alertstate="firing", severity="warning"}) or vector(0)`,
          }),
          { ...small, thresholds: { yellow: 1, red: 10 } },
        ),
        stat(
          "Rule failures",
          "ops",
          of(watcher, {
            rules:
              `${rateOrZero(`prometheus_rule_evaluation_failures_total{${inCluster}}`)} + ` +
              rateOrZero(`cortex_prometheus_rule_evaluation_failures_total{${mimir}}`),
          }),
          {
            ...small,
            thresholds: { yellow: 0.001, red: 0.1 },
            description: "Rules that Prometheus or Mimir could not evaluate: their alerts are blind.",
          },
        ),
        stat(
          "Notifications failed",
          "short",
          of(watcher, {
            notifications: [
              grownOrZero(`alertmanager_notifications_failed_total{${inCluster}}`),
              grownOrZero(`cortex_alertmanager_notifications_failed_total{${mimir}}`),
              grownOrZero(`prometheus_notifications_errors_total{${inCluster}}`),
            ].join(" + "),
          }),
          {
            ...small,
            decimals: 0,
            thresholds: { yellow: 1, red: 10 },
            description:
              "In the time that is shown: by Alertmanagers to people, and by Prometheus to Alertmanager.",
          },
        ),
        stat(
          "Grafanas up",
          "short",
          of(watcher, { pods: `sum(up{${within(namespaces.grafana)}}) or vector(0)` }),
          { ...small, thresholds: flowing, words: { 0: "none" } },
        ),
      ],
    },
    {
      title: "Logs",
      panels: [
        stat("Read", "cps", of(watcher, { lines: linesRead }), {
          ...small,
          thresholds: flowing,
          description: "Lines that Alloy reads from the files of all pods.",
        }),
        stat(
          "Delivered",
          "cps",
          of(watcher, { lines: rate(`otelcol_exporter_sent_log_records_total{${collector.logs}}`) }),
          { ...small, thresholds: flowing, description: "Lines that Alloy got rid of." },
        ),
        stat(
          "Accepted",
          "cps",
          of(watcher, { lines: rate(`loki_distributor_lines_received_total{${loki}}`) }),
          {
            ...small,
            thresholds: flowing,
            description: "Lines that Loki took.",
          },
        ),
        stat(
          "Lost",
          "percentunit",
          of(watcher, { lines: `(${linesDropped} + ${linesRejected}) / (${linesRead} > 0)` }),
          {
            ...small,
            thresholds: ratio,
            description: "Dropped by Alloy or rejected by Loki, of those that were read.",
          },
        ),
        stat(
          "Buffer used",
          "percentunit",
          of(watcher, {
            used: `max(otelcol_exporter_queue_size{${collector.logs}, data_type="logs"} / otelcol_exporter_queue_capacity{${collector.logs}, data_type="logs"})`,
          }),
          {
            ...small,
            thresholds: { yellow: 0.1, red: 0.5 },
            description: "Of the node with the fullest one. It fills while Loki is unavailable or slow.",
          },
        ),
        stat(
          "Failed flushes",
          "short",
          of(watcher, { chunks: grownOrZero(`loki_ingester_chunks_flush_failures_total{${loki}}`) }),
          {
            ...small,
            decimals: 0,
            thresholds: { yellow: 1, red: 10 },
            description:
              "Chunks that did not get into the bucket in the time that is shown; they are tried again.",
          },
        ),
        stat(
          "Bucket answers",
          "percentunit",
          of(watcher, {
            uploads: `1 - ${share(
              `loki_boltdb_shipper_tables_upload_operation_total{${loki}, status!="success"}`,
              `loki_boltdb_shipper_tables_upload_operation_total{${loki}}`,
            )}`,
          }),
          {
            ...small,
            thresholds: successes,
            description:
              "Uploads of the index that succeed, about one a minute. Of all requests it would not show: Loki counts " +
              "an object that is not there as an error.",
          },
        ),
        stat(
          "Queries answered",
          "percentunit",
          of(watcher, {
            queries: `1 - ${share(
              `loki_request_duration_seconds_count{${lokiQueries}, status_code=~"5.."}`,
              `loki_request_duration_seconds_count{${lokiQueries}}`,
            )}`,
          }),
          { ...small, thresholds: successes, description: "Empty while nobody asks." },
        ),
        timeSeries(
          "Lines from collector to Loki",
          "cps",
          of(watcher, {
            read: linesRead,
            delivered: rate(`otelcol_exporter_sent_log_records_total{${collector.logs}}`),
            accepted: rate(`loki_distributor_lines_received_total{${loki}}`),
            dropped: linesDropped,
            rejected: linesRejected,
          }),
          { width: 12 },
        ),
        timeSeries(
          "Chunks flushed to the bucket",
          "cps",
          of(watcher, {
            flushed: rateOrZero(`loki_ingester_chunks_flushed_total{${loki}}`),
            failed: rateOrZero(`loki_ingester_chunks_flush_failures_total{${loki}}`),
          }),
          { width: 12 },
        ),
      ],
    },
    {
      title: "Metrics",
      panels: [
        stat("Collected", "cps", of(watcher, { samples: rate(samplesIn) }), {
          ...small,
          thresholds: flowing,
          description: "Samples that Alloy and Prometheus have for Mimir.",
        }),
        stat(
          "Delivered",
          "cps",
          of(watcher, { samples: `${samplesTried} - ${samplesAgain} - ${samplesDropped}` }),
          {
            ...small,
            thresholds: flowing,
            description: "Samples that they got rid of: all tries but those that failed.",
          },
        ),
        stat(
          "Accepted",
          "cps",
          of(watcher, { samples: rate(`cortex_distributor_received_samples_total{${mimir}}`) }),
          {
            ...small,
            thresholds: flowing,
            description: "Samples that Mimir took.",
          },
        ),
        stat(
          "Lost",
          "percentunit",
          of(watcher, { samples: `(${samplesDropped} + ${samplesRejected}) / (${rate(samplesIn)} > 0)` }),
          {
            ...small,
            thresholds: ratio,
            description: "Given up by who collects, or rejected by Mimir, of those that were collected.",
          },
        ),
        stat(
          "Newest sample",
          "s",
          of(watcher, {
            age: `time() - min(max by (user) (cortex_distributor_latest_seen_sample_timestamp_seconds{${mimir}}))`,
          }),
          {
            ...small,
            thresholds: { yellow: 120, red: 600 },
            description: "How old the newest sample is in Mimir, of the tenant that is most behind.",
          },
        ),
        stat(
          "Failed flushes",
          "short",
          of(watcher, { blocks: grownOrZero(`cortex_ingester_shipper_upload_failures_total{${mimir}}`) }),
          {
            ...small,
            decimals: 0,
            thresholds: { yellow: 1, red: 10 },
            description:
              "Blocks that did not get into the bucket in the time that is shown; they are tried again.",
          },
        ),
        stat(
          "Bucket answers",
          "percentunit",
          of(watcher, {
            operations: `1 - ${share(
              `thanos_objstore_bucket_operation_failures_total{${mimir}}`,
              `thanos_objstore_bucket_operations_total{${mimir}}`,
            )}`,
          }),
          { ...small, thresholds: successes, description: "Operations on the buckets that succeed." },
        ),
        stat(
          "Queries answered",
          "percentunit",
          of(watcher, {
            queries: `1 - ${share(
              `cortex_request_duration_seconds_count{${mimirQueries}, status_code=~"5.."}`,
              `cortex_request_duration_seconds_count{${mimirQueries}}`,
            )}`,
          }),
          { ...small, thresholds: successes, description: "Empty while nobody asks." },
        ),
        timeSeries(
          "Samples from collectors to Mimir",
          "cps",
          of(watcher, {
            collected: rate(samplesIn),
            delivered: `${samplesTried} - ${samplesAgain} - ${samplesDropped}`,
            accepted: rate(`cortex_distributor_received_samples_total{${mimir}}`),
            dropped: samplesDropped,
            rejected: samplesRejected,
          }),
          {
            width: 12,
            description:
              "Accepted is less than delivered where two Prometheus deliver the same: Mimir takes one of them.",
          },
        ),
        timeSeries(
          "Delay of who writes to Mimir",
          "s",
          of(watcher, {
            "{{pod}} {{component_path}}":
              `max by (pod, component_path) (prometheus_remote_storage_queue_highest_timestamp_seconds{${writers}} ` +
              `- prometheus_remote_storage_queue_highest_sent_timestamp_seconds{${writers}})`,
          }),
          { thresholds: { yellow: 60, red: 300 } },
        ),
        timeSeries(
          "Blocks flushed to the bucket",
          "cps",
          of(watcher, {
            flushed: rate(`cortex_ingester_shipper_uploads_total{${mimir}}`),
            failed: rateOrZero(`cortex_ingester_shipper_upload_failures_total{${mimir}}`),
          }),
          { width: 4, description: "Every two hours." },
        ),
      ],
    },
    {
      title: "Traces",
      panels: [
        stat("Received", "cps", of(watcher, { spans: spansIn }), {
          ...small,
          description: "Spans that applications send to Alloy. Zero is no error: it is as quiet as they are.",
        }),
        stat(
          "Delivered",
          "cps",
          of(watcher, { spans: rateOrZero(`otelcol_exporter_sent_spans_total{${toTempo}}`) }),
          {
            ...small,
            description:
              "Spans that Alloy sent to Tempo; fewer than received where sampling leaves some out.",
          },
        ),
        stat(
          "Accepted",
          "cps",
          of(watcher, { spans: rateOrZero(`tempo_distributor_spans_received_total{${tempo}}`) }),
          {
            ...small,
            description: "Spans that reached Tempo.",
          },
        ),
        stat(
          "Lost",
          "percentunit",
          of(watcher, { spans: `(${spansDropped} + ${spansRefused}) / (${spansIn} > 0)` }),
          {
            ...small,
            thresholds: ratio,
            description: "Dropped by Alloy or refused by Tempo, of those received. Empty while none come.",
          },
        ),
        stat(
          "Late",
          "percentunit",
          of(watcher, {
            spans:
              `1 - ${rate(`tempo_spans_distance_in_past_seconds_bucket{${tempo}, le="300.0"}`)} / ` +
              `(${rate(`tempo_spans_distance_in_past_seconds_count{${tempo}}`)} > 0)`,
          }),
          {
            ...small,
            thresholds: { yellow: 0.01, red: 0.1 },
            description:
              "Spans that reach Tempo more than 5 minutes after they ended. Empty while none come.",
          },
        ),
        stat(
          "Failed flushes",
          "short",
          of(watcher, { blocks: grownOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`) }),
          {
            ...small,
            decimals: 0,
            thresholds: { yellow: 1, red: 10 },
            description:
              "Blocks that did not get into the bucket in the time that is shown; they are tried again.",
          },
        ),
        stat(
          "Bucket answers",
          "percentunit",
          of(watcher, {
            operations: `1 - ${share(
              `tempodb_backend_request_duration_seconds_count{${tempo}, status_code!~"2..|404"}`,
              `tempodb_backend_request_duration_seconds_count{${tempo}}`,
            )}`,
          }),
          { ...small, thresholds: successes, description: "Operations on the bucket that succeed." },
        ),
        stat(
          "Queries answered",
          "percentunit",
          of(watcher, {
            queries: `1 - ${share(
              `tempo_request_duration_seconds_count{${tempoQueries}, status_code=~"5.."}`,
              `tempo_request_duration_seconds_count{${tempoQueries}}`,
            )}`,
          }),
          { ...small, thresholds: successes, description: "Empty while nobody asks." },
        ),
        timeSeries(
          "Spans from collector to Tempo",
          "cps",
          of(watcher, {
            received: spansIn,
            delivered: rateOrZero(`otelcol_exporter_sent_spans_total{${toTempo}}`),
            accepted: rateOrZero(`tempo_distributor_spans_received_total{${tempo}}`),
            dropped: spansDropped,
            refused: spansRefused,
          }),
          { width: 12 },
        ),
        timeSeries(
          "Blocks flushed to the bucket",
          "cps",
          of(watcher, {
            flushed: rate(`tempo_ingester_blocks_flushed_total{${tempo}}`),
            failed: rateOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`),
          }),
          { width: 12 },
        ),
      ],
    },
    {
      title: "What is wrong",
      panels: [
        table("Targets down", of(watcher, { down: `up{${stack}} == 0` }), {
          width: 12,
          description: "Empty is good.",
          columns: [
            { field: "namespace", heading: "Namespace" },
            { field: "job", heading: "Job" },
            { field: "pod", heading: "Pod" },
            { field: "instance", heading: "Address" },
          ],
        }),
        table(
          "Firing alerts",
          of(watcher, {
            firing: `sum by (severity, alertname, namespace) (ALERTS{${inCluster}, alertstate="firing", severity!="none"})`,
          }),
          {
            width: 12,
            description: "Those that Prometheus evaluates. Empty is good.",
            columns: [
              { field: "severity", heading: "Severity" },
              { field: "alertname", heading: "Alert" },
              { field: "namespace", heading: "Namespace" },
              { field: "Value #A", heading: "How many", unit: "short" },
            ],
          },
        ),
        timeSeries(
          "Alerts that Mimir evaluates",
          "short",
          of(metrics, {
            "{{severity}} {{alertname}}": `sum by (severity, alertname) (ALERTS{${inCluster}, alertstate="firing"})`,
            all: `count(ALERTS{${inCluster}, alertstate="firing"}) or vector(0)`,
          }),
          { width: 12, description: "Firing, of applications' own rules." },
        ),
        timeSeries(
          "Targets up",
          "percentunit",
          of(watcher, { "{{namespace}}": `avg by (namespace) (up{${stack}})` }),
          { width: 12, min: 0, max: 1 },
        ),
      ],
    },
  ],
};
