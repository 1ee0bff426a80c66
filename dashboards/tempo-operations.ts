import { namespaces } from "../names";
import {
  clusterVariable,
  componentVariable,
  type Dashboard,
  grownOrZero,
  of,
  podsRow,
  quantile,
  quantiles,
  rate,
  rateOrZero,
  requestErrors,
  type Store,
  stat,
  timeSeries,
  unhealthyMembers,
  watcher,
  within,
} from "./kit";

const tempo = within(namespaces.tempo);
const tenant = 'tenant=~"$tenant"';
/** What people and Grafana ask for, where they ask; the echo is Grafana's health check. */
const queries = `${tempo}, container="query-frontend", route=~"api_.+", route!="api_echo"`;

const store: Store = { prefix: "tempo", of: tempo };

/** Tempo operations (R12): from spans that come in to blocks in the bucket, searches, and metrics made of spans. */
export const tempoOperations: Dashboard = {
  uid: "tempo-operations",
  title: "Tempo operations",
  purpose:
    "Does Tempo take every span, keep it, and find the trace again? For whoever operates it: what is slow, refused " +
    "or behind, from the distributor over ingesters and bucket to searches and the metrics generator.",
  tags: ["tempo"],
  sources: [watcher],
  variables: [
    clusterVariable(watcher),
    componentVariable(namespaces.tempo),
    {
      name: "tenant",
      label: "Tenant",
      source: watcher,
      series: `tempo_distributor_spans_received_total{${tempo}}`,
    },
  ],
  next: {
    "stack-health": "Monitoring stack health",
    alloy: "Alloy health",
    minio: "MinIO storage",
    cost: "Cost and cardinality",
  },
  runbooks: [
    "TempoDistributorOverloaded",
    "TempoCompactionFailing",
    "TracesRejected",
    "TracesDropped",
    "NoTracesIngested",
    "ObjectStorageUnreachable",
    "RingUnhealthy",
  ],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat(
          "Spans in",
          "cps",
          of(watcher, { spans: rateOrZero(`tempo_distributor_spans_received_total{${tempo}, ${tenant}}`) }),
          { description: "Zero is no error: it is as quiet as the applications." },
        ),
        stat(
          "Spans refused",
          "cps",
          of(watcher, { spans: rateOrZero(`tempo_discarded_spans_total{${tempo}, ${tenant}}`) }),
          { thresholds: { yellow: 0.001, red: 1 }, description: "Refused for a limit. Reasons stand below." },
        ),
        requestErrors("Query errors", store, queries, "Empty while nobody asks."),
        stat(
          "Failed flushes",
          "short",
          of(watcher, { flushes: grownOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`) }),
          {
            thresholds: { yellow: 1, red: 5 },
            description: "Blocks that ingesters could not write to the bucket; they try again.",
          },
        ),
        stat(
          "Failed compactions",
          "short",
          of(watcher, { compactions: grownOrZero(`tempodb_compaction_errors_total{${tempo}}`) }),
          { thresholds: { yellow: 1, red: 5 }, description: "In the time that is shown." },
        ),
        unhealthyMembers(store),
      ],
    },
    {
      title: "Ingestion",
      panels: [
        timeSeries(
          "Spans in by tenant",
          "cps",
          of(watcher, {
            "{{tenant}}": rate(`tempo_distributor_spans_received_total{${tempo}, ${tenant}}`, "tenant"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Bytes in by tenant",
          "Bps",
          of(watcher, {
            "{{tenant}}": rate(`tempo_distributor_bytes_received_total{${tempo}, ${tenant}}`, "tenant"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Spans refused by reason",
          "cps",
          of(watcher, {
            all: rateOrZero(`tempo_discarded_spans_total{${tempo}, ${tenant}}`),
            "{{tenant}}: {{reason}}": rate(
              `tempo_discarded_spans_total{${tempo}, ${tenant}}`,
              "tenant, reason",
            ),
          }),
          {
            description:
              "`rate_limited` comes again, as Alloy waits and repeats it; `live_traces_exceeded` and " +
              "`trace_too_large` are lost.",
          },
        ),
        timeSeries(
          "Push latency",
          "s",
          of(watcher, quantiles(`tempo_distributor_push_duration_seconds_bucket{${tempo}}`)),
          { description: "How long distributors take to have a batch on the ingesters." },
        ),
        timeSeries(
          "Batches that ingesters did not take",
          "ops",
          of(watcher, {
            failures: rateOrZero(`tempo_distributor_ingester_append_failures_total{${tempo}}`),
          }),
        ),
        timeSeries(
          "Ring members by state",
          "short",
          of(watcher, { "{{name}} {{state}}": `max by (name, state) (tempo_ring_members{${tempo}}) > 0` }),
          { description: "All are ACTIVE but while pods come and go." },
        ),
      ],
    },
    {
      title: "Ingesters",
      panels: [
        timeSeries(
          "Live traces",
          "short",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (tempo_ingester_live_traces{${tempo}, ${tenant}})`,
          }),
          { description: "Traces of which spans still came lately. A tenant has a limit of them." },
        ),
        timeSeries(
          "Bytes of live traces",
          "bytes",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (tempo_ingester_live_trace_bytes{${tempo}, ${tenant}})`,
          }),
        ),
        timeSeries(
          "Blocks flushed",
          "ops",
          of(watcher, {
            flushed: rate(`tempo_ingester_blocks_flushed_total{${tempo}}`),
            failed: rateOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`),
          }),
        ),
        timeSeries(
          "Flush queue",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (tempo_ingester_flush_queue_length{${tempo}})` }),
          { description: "Blocks that wait for the bucket. It grows while the bucket is away." },
        ),
        timeSeries(
          "Flush duration",
          "s",
          of(watcher, quantiles(`tempo_ingester_flush_duration_seconds_bucket{${tempo}}`)),
          { description: "Empty while nothing is flushed." },
        ),
        timeSeries(
          "Size of flushed blocks",
          "bytes",
          of(watcher, quantiles(`tempo_ingester_flush_size_bytes_bucket{${tempo}}`)),
          { description: "Empty while nothing is flushed." },
        ),
      ],
    },
    {
      title: "Blocks and compaction",
      panels: [
        timeSeries(
          "Blocklist",
          "short",
          of(watcher, {
            "{{tenant}}": `max by (tenant) (tempodb_blocklist_length{${tempo}, ${tenant}})`,
          }),
          {
            description:
              "Blocks in the bucket. If it grows all the time, compaction is behind and searches slow down.",
          },
        ),
        timeSeries(
          "Blocks that wait for compaction",
          "short",
          of(watcher, {
            "{{tenant}}": `max by (tenant) (tempodb_compaction_outstanding_blocks{${tempo}, ${tenant}})`,
          }),
        ),
        timeSeries(
          "Compaction",
          "cps",
          of(watcher, {
            "objects written": rateOrZero(`tempodb_compaction_objects_written_total{${tempo}}`),
            "blocks deleted for their age": rateOrZero(`tempodb_retention_deleted_total{${tempo}}`),
            errors: rateOrZero(`tempodb_compaction_errors_total{${tempo}}`),
            "retention errors": rateOrZero(`tempodb_retention_errors_total{${tempo}}`),
          }),
        ),
        timeSeries(
          "Age of the list of blocks",
          "s",
          of(watcher, {
            "{{tenant}}": `max by (tenant) (tempodb_blocklist_tenant_index_age_seconds{${tempo}, ${tenant}})`,
          }),
          {
            thresholds: { yellow: 900, red: 1800 },
            description:
              "Compactors write the list every 5 minutes; what is newer than it is found in ingesters only.",
          },
        ),
        timeSeries(
          "Lists of blocks not read or written",
          "ops",
          of(watcher, {
            "not read": rateOrZero(`tempodb_blocklist_poll_errors_total{${tempo}}`),
            "not written": rateOrZero(`tempodb_blocklist_tenant_index_errors_total{${tempo}}`),
          }),
        ),
      ],
    },
    {
      title: "Searches and traces by id",
      panels: [
        timeSeries(
          "Query latency",
          "s",
          of(watcher, quantiles(`tempo_request_duration_seconds_bucket{${queries}}`)),
          { description: "Empty while nobody asks." },
        ),
        timeSeries(
          "Query latency by route (p95)",
          "s",
          of(watcher, {
            "{{route}}": quantile(0.95, `tempo_request_duration_seconds_bucket{${queries}}`, "route"),
          }),
        ),
        timeSeries(
          "Queries by route and status",
          "reqps",
          of(watcher, {
            "{{route}} {{status_code}}": rate(
              `tempo_request_duration_seconds_count{${queries}}`,
              "route, status_code",
            ),
          }),
        ),
        timeSeries(
          "Waiting queries",
          "short",
          of(watcher, { "{{user}}": `sum by (user) (tempo_query_frontend_queue_length{${tempo}})` }),
          { description: "Parts of queries that no querier works on yet; more queriers make it shorter." },
        ),
        timeSeries(
          "Wait for a querier",
          "s",
          of(watcher, quantiles(`tempo_query_frontend_queue_duration_seconds_bucket{${tempo}}`)),
        ),
        timeSeries(
          "Bytes that searches read",
          "Bps",
          of(watcher, {
            "{{op}}": rate(`tempo_query_frontend_bytes_inspected_total{${tempo}, ${tenant}}`, "op"),
          }),
        ),
      ],
    },
    {
      title: "Metrics made of spans",
      panels: [
        timeSeries(
          "Spans processed",
          "cps",
          of(watcher, {
            received: rateOrZero(`tempo_metrics_generator_spans_received_total{${tempo}, ${tenant}}`),
            "left out: {{reason}}": rate(
              `tempo_metrics_generator_spans_discarded_total{${tempo}, ${tenant}}`,
              "reason",
            ),
          }),
          { description: "Zero where Alloy makes these metrics (`tracing.metricsFrom`)." },
        ),
        timeSeries(
          "Series",
          "short",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (tempo_metrics_generator_registry_active_series{${tempo}, ${tenant}})`,
            "refused a second": rateOrZero(
              `tempo_metrics_generator_registry_series_limited_total{${tempo}, ${tenant}}`,
            ),
          }),
        ),
        timeSeries(
          "Sent to Mimir",
          "cps",
          of(watcher, {
            samples: rateOrZero(`prometheus_remote_storage_samples_total{${tempo}}`),
            retried: rateOrZero(`prometheus_remote_storage_samples_retried_total{${tempo}}`),
            failed: rateOrZero(`prometheus_remote_storage_samples_failed_total{${tempo}}`),
          }),
        ),
      ],
    },
    {
      title: "Object storage",
      panels: [
        timeSeries(
          "Operations by status",
          "ops",
          of(watcher, {
            "{{operation}} {{status_code}}": rate(
              `tempodb_backend_request_duration_seconds_count{${tempo}}`,
              "operation, status_code",
            ),
          }),
          { width: 12, description: "404 is an object that is not there, which is often normal." },
        ),
        timeSeries(
          "Latency by operation (p95)",
          "s",
          of(watcher, {
            "{{operation}}": quantile(
              0.95,
              `tempodb_backend_request_duration_seconds_bucket{${tempo}}`,
              "operation",
            ),
          }),
          { width: 12 },
        ),
      ],
    },
    podsRow(`namespace="${namespaces.tempo}", container=~"$component"`),
  ],
};
