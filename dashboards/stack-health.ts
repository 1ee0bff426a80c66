import { defaultNamespaces as namespaces } from "../names";
import {
  blocksPerSecond,
  chunksPerSecond,
  clusterVariable,
  type Dashboard,
  errorsPerSecond,
  grownOrZero,
  inCluster,
  linesPerSecond,
  metrics,
  of,
  type Placed,
  rate,
  rateOrZero,
  remoteWriteLag,
  sampleAge,
  samplesPerSecond,
  share,
  spansPerSecond,
  stat,
  table,
  timeSeries,
  total,
  watcher,
  within,
} from "./kit";

const collector = { logs: within(namespaces.alloyLogs), traces: within(namespaces.alloyTraces) };
const loki = within(namespaces.loki);
const mimir = within(namespaces.mimir);
const tempo = within(namespaces.tempo);
/** All namespaces of the stack. */
const stack = `${inCluster}, namespace=~"${Object.values(namespaces).join("|")}"`;
/** All senders to Mimir: Alloy for metrics, Prometheus, and the generators of span metrics. */
const writers = `${inCluster}, namespace=~"${[
  namespaces.alloyMetrics,
  namespaces.alloyTraces,
  namespaces.monitoring,
  namespaces.tempo,
].join("|")}"`;
const toTempo = `${collector.traces}, component_id="otelcol.exporter.otlphttp.tempo"`;

const samplesIn = `prometheus_remote_storage_samples_in_total{${writers}}`;
const samplesTried = rate(`prometheus_remote_storage_samples_total{${writers}}`);
const samplesRetried = rateOrZero(`prometheus_remote_storage_samples_retried_total{${writers}}`);
const samplesDropped = rateOrZero(`prometheus_remote_storage_samples_failed_total{${writers}}`);
const samplesRejected = rateOrZero(`cortex_discarded_samples_total{${mimir}}`);
/** Discarded for good: senders retry what exceeds a rate, and each attempt counts as discarded. */
const forGood = 'reason!~"rate_limited|per_stream_rate_limit"';

const linesRead = rate(`otelcol_receiver_accepted_log_records_total{${collector.logs}}`);
const linesDropped = rateOrZero(`otelcol_exporter_send_failed_log_records_total{${collector.logs}}`);
const linesRejected = rateOrZero(`loki_discarded_samples_total{${loki}}`);

/** Spans from applications, without the traffic between Alloy pods. */
const spansIn = rateOrZero(
  `otelcol_receiver_accepted_spans_total{${collector.traces}, component_id=~"otelcol.receiver.+apps"}`,
);
const spansDropped = [
  rateOrZero(`otelcol_exporter_send_failed_spans_total{${toTempo}}`),
  rateOrZero(`otelcol_exporter_enqueue_failed_spans_total{${toTempo}}`),
].join(" + ");
const spansRejected = rateOrZero(`tempo_discarded_spans_total{${tempo}}`);

const lokiQueries = `${loki}, container="query-frontend", route=~"loki_api_v1_.+", route!~".*(buildinfo|tail)"`;
const mimirQueries = `${mimir}, container="query-frontend", route=~"prometheus_api_v1_.+"`;
const tempoQueries = `${tempo}, container="query-frontend", route=~"api_.+", route!="api_echo"`;

/** Data loss of a signal: dropped by its collector or rejected by its store. */
const loss = (title: string, expr: string, opens: string) =>
  stat(title, "percentunit", of(watcher, { lost: `clamp_max(${expr}, 1)` }), {
    thresholds: { above: [0.001, 0.01] },
    none: "No data received",
    opens: { panel: opens },
    description:
      "Dropped by the collector or rejected by the store, of everything received; without retried data.",
  });

/** The share of successful requests. */
const success = (title: string, failed: string, all: string, opens: string, description: string): Placed =>
  stat(title, "percentunit", of(watcher, { success: `1 - ${share(failed, all)}` }), {
    thresholds: { below: [0.999, 0.99] },
    none: "No requests",
    opens: { dashboard: opens },
    description,
  });

/** Failed uploads to object storage, in the time range. */
const flushFailures = (title: string, counter: string, opens: string) =>
  total(title, "short", of(watcher, { failures: grownOrZero(counter) }), {
    thresholds: { above: [1, 10] },
    opens: { panel: opens },
    runbook: "ObjectStorageUnreachable",
    description: "Failed uploads to object storage, in the time range. Ingesters retry them.",
  });

/** Stack health: the reliability of the data in all other dashboards. */
export const stackHealth: Dashboard = {
  uid: "stack-health",
  title: "Monitoring stack health",
  purpose:
    "Can you trust the data? First whether monitoring and alerting work, then each signal from the collector to object " +
    "storage. Reads Prometheus, so it also works if Mimir is unavailable.",
  tags: ["health"],
  none: "No metrics",
  sources: [watcher, metrics],
  variables: [clusterVariable(watcher)],
  numbers: [
    stat(
      "Watchdog",
      "short",
      of(watcher, {
        watchdog: `count(ALERTS{${inCluster}, alertname="Watchdog", alertstate="firing"}) or vector(0)`,
      }),
      {
        thresholds: { below: [1] },
        words: { 0: "silent", 1: "firing" },
        opens: { panel: "Firing alerts" },
        description: "An alert that always fires. Without it, Prometheus does not evaluate alerts.",
      },
    ),
    stat("Targets down", "short", of(watcher, { targets: `count(up{${stack}} == 0) or vector(0)` }), {
      thresholds: { above: [1] },
      opens: { panel: "Targets down by pod" },
      runbook: "StackTargetMissing",
      description: "Components of the stack that Prometheus cannot scrape.",
    }),
    stat(
      "Unhealthy in ring",
      "short",
      of(watcher, {
        members: `sum(max by (namespace, name) ({__name__=~"(loki|cortex|tempo)_ring_members", ${inCluster}, state="Unhealthy"})) or vector(0)`,
      }),
      {
        thresholds: { above: [1] },
        opens: { panel: "Targets up by namespace" },
        runbook: "RingUnhealthy",
        description: "Members of the rings of Loki, Mimir and Tempo without heartbeats.",
      },
    ),
    stat(
      "Critical alerts",
      "short",
      of(watcher, {
        alerts: `count(ALERTS{${inCluster}, alertstate="firing", severity="critical"}) or vector(0)`,
      }),
      { thresholds: { above: [1] }, opens: { panel: "Firing alerts" } },
    ),
    total(
      "Failed notifications",
      "short",
      of(watcher, {
        notifications: [
          grownOrZero(`alertmanager_notifications_failed_total{${inCluster}}`),
          grownOrZero(`cortex_alertmanager_notifications_failed_total{${mimir}}`),
          grownOrZero(`prometheus_notifications_errors_total{${inCluster}}`),
        ].join(" + "),
      }),
      {
        thresholds: { above: [1, 10] },
        opens: { panel: "Rule and notification failures" },
        description:
          "In the time range: from Alertmanagers to receivers, and from Prometheus to Alertmanager.",
      },
    ),
    stat(
      "Grafana pods up",
      "short",
      of(watcher, { pods: `sum(up{${within(namespaces.grafana)}}) or vector(0)` }),
      {
        thresholds: { below: [1] },
        opens: { panel: "Targets up by namespace" },
      },
    ),
  ],
  rows: [
    {
      title: "Alerts and targets",
      panels: [
        table(
          "Firing alerts",
          of(watcher, {
            firing: `sum by (severity, alertname, namespace) (ALERTS{${inCluster}, alertstate="firing", severity!="none"})`,
          }),
          {
            width: 12,
            none: "No firing alerts",
            description: "Alerts that Prometheus evaluates.",
            columns: [
              { field: "severity", heading: "Severity", width: 90 },
              { field: "alertname", heading: "Alert" },
              { field: "namespace", heading: "Namespace" },
              { field: "Value #A", heading: "Count", unit: "short", width: 80 },
            ],
          },
        ),
        table("Targets down by pod", of(watcher, { down: `up{${stack}} == 0` }), {
          width: 12,
          none: "All targets up",
          columns: [
            { field: "namespace", heading: "Namespace" },
            { field: "job", heading: "Job" },
            { field: "pod", heading: "Pod" },
            { field: "instance", heading: "Instance" },
          ],
        }),
        table(
          "Certificate expiry",
          of(metrics, {
            expiry: `sort(min by (namespace, instance) (probe_ssl_earliest_cert_expiry{${inCluster}, job="certificates"} or observability:client_certificate:expiry{${inCluster}}) - time())`,
          }),
          {
            width: 12,
            none: "No certificates",
            description:
              "Certificates that MinIO, Grafana, Alloy, gateways and the operators' webhooks serve, and client certificates of agents. An alert fires 21 days before expiry.",
            columns: [
              { field: "namespace", heading: "Namespace" },
              { field: "instance", heading: "Endpoint" },
              { field: "Value #A", heading: "Expires in", unit: "s" },
            ],
          },
        ),
        timeSeries(
          "Alerts firing in Mimir",
          "short",
          of(metrics, {
            "{{severity}} {{alertname}}": `sum by (severity, alertname) (ALERTS{${inCluster}, alertstate="firing"})`,
            all: `count(ALERTS{${inCluster}, alertstate="firing"}) or vector(0)`,
          }),
          {
            width: 12,
            height: 8,
            description: "Alerts of applications' rules, which Mimir's ruler evaluates.",
          },
        ),
        timeSeries(
          "Targets up by namespace",
          "percentunit",
          of(watcher, { "{{namespace}}": `avg by (namespace) (up{${stack}})` }),
          { width: 12, min: 0, max: 1 },
        ),
        timeSeries(
          "Rule and notification failures",
          errorsPerSecond,
          of(watcher, {
            "rule evaluation failures":
              `${rateOrZero(`prometheus_rule_evaluation_failures_total{${inCluster}}`)} + ` +
              rateOrZero(`cortex_prometheus_rule_evaluation_failures_total{${mimir}}`),
            "failed notifications": rateOrZero(`alertmanager_notifications_failed_total{${inCluster}}`),
          }),
          { width: 12, description: "Alerts of rules that fail to evaluate do not fire." },
        ),
      ],
    },
    {
      title: "Logs",
      panels: [
        stat(
          "Logs ingested",
          linesPerSecond,
          of(watcher, { lines: rate(`loki_distributor_lines_received_total{${loki}}`) }),
          {
            thresholds: { below: [1, 0.01] },
            opens: { panel: "Log lines from Alloy to Loki" },
            runbook: "NoLogsIngested",
          },
        ),
        loss(
          "Log data loss",
          `(${linesDropped} + ${rateOrZero(`loki_discarded_samples_total{${loki}, ${forGood}}`)}) / (${linesRead} > 0)`,
          "Log lines from Alloy to Loki",
        ),
        stat(
          "Log buffer usage",
          "percentunit",
          of(watcher, {
            used: `max(otelcol_exporter_queue_size{${collector.logs}, data_type="logs"} / otelcol_exporter_queue_capacity{${collector.logs}, data_type="logs"})`,
          }),
          {
            thresholds: { above: [0.1, 0.5] },
            opens: { dashboard: "alloy" },
            description: "Fullest node. The buffer fills while Loki is unavailable or slow.",
          },
        ),
        flushFailures(
          "Chunk flush errors",
          `loki_ingester_chunks_flush_failures_total{${loki}}`,
          "Chunks flushed",
        ),
        success(
          "Upload success",
          `loki_boltdb_shipper_tables_upload_operation_total{${loki}, status!="success"}`,
          `loki_boltdb_shipper_tables_upload_operation_total{${loki}}`,
          "loki-operations",
          "Uploads of the index: about one per minute. Loki counts a missing object as an error, so other requests are no indicator.",
        ),
        success(
          "LogQL success",
          `loki_request_duration_seconds_count{${lokiQueries}, status_code=~"5.."}`,
          `loki_request_duration_seconds_count{${lokiQueries}}`,
          "loki-operations",
          "Queries without a 5xx status.",
        ),
        timeSeries(
          "Log lines from Alloy to Loki",
          linesPerSecond,
          of(watcher, {
            read: linesRead,
            sent: rate(`otelcol_exporter_sent_log_records_total{${collector.logs}}`),
            received: rate(`loki_distributor_lines_received_total{${loki}}`),
            dropped: linesDropped,
            rejected: linesRejected,
          }),
          { width: 12 },
        ),
        timeSeries(
          "Chunks flushed",
          chunksPerSecond,
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
        stat(
          "Metrics ingested",
          samplesPerSecond,
          of(watcher, { samples: rate(`cortex_distributor_received_samples_total{${mimir}}`) }),
          {
            thresholds: { below: [1, 0.01] },
            opens: { panel: "Samples from collectors to Mimir" },
            runbook: "NoMetricsIngested",
          },
        ),
        loss(
          "Metrics data loss",
          `(${samplesDropped} + ${rateOrZero(`cortex_discarded_samples_total{${mimir}, ${forGood}}`)}) / (${rate(samplesIn)} > 0)`,
          "Samples from collectors to Mimir",
        ),
        stat(
          "Sample age",
          "s",
          of(watcher, {
            age: sampleAge(mimir),
          }),
          {
            thresholds: { above: [120, 600] },
            opens: { panel: "Remote-write lag by sender" },
            runbook: "FreshnessBudgetBurning",
            description:
              "Age of the newest sample, of the tenant with the oldest data, without downsampled series.",
          },
        ),
        flushFailures(
          "Upload errors",
          `cortex_ingester_shipper_upload_failures_total{${mimir}}`,
          "Metric blocks uploaded",
        ),
        success(
          "Mimir S3 success",
          `thanos_objstore_bucket_operation_failures_total{${mimir}}`,
          `thanos_objstore_bucket_operations_total{${mimir}}`,
          "mimir-operations",
          "Successful object storage operations.",
        ),
        success(
          "PromQL success",
          `cortex_request_duration_seconds_count{${mimirQueries}, status_code=~"5.."}`,
          `cortex_request_duration_seconds_count{${mimirQueries}}`,
          "mimir-operations",
          "Queries without a 5xx status.",
        ),
        timeSeries(
          "Samples from collectors to Mimir",
          samplesPerSecond,
          of(watcher, {
            collected: rate(samplesIn),
            sent: `${samplesTried} - ${samplesRetried} - ${samplesDropped}`,
            received: rate(`cortex_distributor_received_samples_total{${mimir}}`),
            dropped: samplesDropped,
            rejected: samplesRejected,
          }),
          {
            description:
              "Received is less than sent if two Prometheus replicas send the same: Mimir deduplicates.",
          },
        ),
        timeSeries(
          "Remote-write lag by sender",
          "s",
          of(watcher, {
            "{{pod}} {{component_path}}": remoteWriteLag(writers),
          }),
          { thresholds: { above: [60, 300] }, none: "No samples sent" },
        ),
        timeSeries(
          "Metric blocks uploaded",
          blocksPerSecond,
          of(watcher, {
            uploaded: rate(`cortex_ingester_shipper_uploads_total{${mimir}}`),
            failed: rateOrZero(`cortex_ingester_shipper_upload_failures_total{${mimir}}`),
          }),
          { description: "Every two hours." },
        ),
      ],
    },
    {
      title: "Traces",
      panels: [
        stat(
          "Traces ingested",
          spansPerSecond,
          of(watcher, { spans: rateOrZero(`tempo_distributor_spans_received_total{${tempo}}`) }),
          {
            opens: { panel: "Spans from Alloy to Tempo" },
            runbook: "NoTracesIngested",
            description: "Zero is normal if no application sends traces.",
          },
        ),
        loss(
          "Trace data loss",
          `(${spansDropped} + ${rateOrZero(`tempo_discarded_spans_total{${tempo}, ${forGood}}`)}) / (${spansIn} > 0)`,
          "Spans from Alloy to Tempo",
        ),
        stat(
          "Late spans",
          "percentunit",
          of(watcher, {
            spans:
              `1 - ${rate(`tempo_spans_distance_in_past_seconds_bucket{${tempo}, le="300.0"}`)} / ` +
              `(${rate(`tempo_spans_distance_in_past_seconds_count{${tempo}}`)} > 0)`,
          }),
          {
            thresholds: { above: [0.01, 0.1] },
            none: "No spans",
            opens: { dashboard: "tempo-operations" },
            runbook: "FreshnessBudgetBurning",
            description: "Spans that reach Tempo more than 5 minutes after they ended.",
          },
        ),
        flushFailures(
          "Trace flush errors",
          `tempo_ingester_failed_flushes_total{${tempo}}`,
          "Trace blocks flushed",
        ),
        success(
          "Tempo S3 success",
          `tempodb_backend_request_duration_seconds_count{${tempo}, status_code!~"2..|404"}`,
          `tempodb_backend_request_duration_seconds_count{${tempo}}`,
          "tempo-operations",
          "Successful object storage operations.",
        ),
        success(
          "TraceQL success",
          `tempo_request_duration_seconds_count{${tempoQueries}, status_code=~"5.."}`,
          `tempo_request_duration_seconds_count{${tempoQueries}}`,
          "tempo-operations",
          "Queries without a 5xx status.",
        ),
        timeSeries(
          "Spans from Alloy to Tempo",
          spansPerSecond,
          of(watcher, {
            received: spansIn,
            sent: rateOrZero(`otelcol_exporter_sent_spans_total{${toTempo}}`),
            "accepted by Tempo": rateOrZero(`tempo_distributor_spans_received_total{${tempo}}`),
            dropped: spansDropped,
            rejected: spansRejected,
          }),
          { width: 12, description: "Sent is less than received if sampling is on." },
        ),
        timeSeries(
          "Trace blocks flushed",
          blocksPerSecond,
          of(watcher, {
            flushed: rate(`tempo_ingester_blocks_flushed_total{${tempo}}`),
            failed: rateOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`),
          }),
          { width: 12 },
        ),
      ],
    },
  ],
};
