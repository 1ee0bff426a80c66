import { defaultNamespaces as namespaces } from "../names";
import {
  blocksPerSecond,
  clusterVariable,
  componentVariable,
  type Dashboard,
  grownOrZero,
  of,
  podsRow,
  quantile,
  quantiles,
  queryPanels,
  rate,
  rateOrZero,
  requestErrors,
  type Store,
  samplesPerSecond,
  spansPerSecond,
  stat,
  timeSeries,
  total,
  unhealthyMembers,
  watcher,
  within,
} from "./kit";

const tempo = within(namespaces.tempo);
const tenant = 'tenant=~"$tenant"';
/** Queries at the query frontend, without Grafana's health check. */
const queries = `${tempo}, container="query-frontend", route=~"api_.+", route!="api_echo"`;

const store: Store = { prefix: "tempo", of: tempo };

/** Tempo operations: ingestion, storage, searches, metrics-generator. */
export const tempoOperations: Dashboard = {
  uid: "tempo-operations",
  title: "Tempo operations",
  purpose:
    "Does Tempo accept, store and find every trace? Shows what is slow, rejected or behind: ingestion, " +
    "object storage, searches and the metrics-generator.",
  tags: ["tempo"],
  none: "No Tempo metrics",
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
  numbers: [
    stat(
      "Ingestion rate",
      spansPerSecond,
      of(watcher, { spans: rateOrZero(`tempo_distributor_spans_received_total{${tempo}, ${tenant}}`) }),
      {
        opens: { panel: "Ingestion rate by tenant" },
        runbook: "NoTracesIngested",
        description: "Spans that distributors receive. Zero is normal if no application sends traces.",
      },
    ),
    stat(
      "Discard rate",
      spansPerSecond,
      of(watcher, { spans: rateOrZero(`tempo_discarded_spans_total{${tempo}, ${tenant}}`) }),
      {
        thresholds: { above: [0.001, 1] },
        opens: { panel: "Discarded spans by reason" },
        runbook: "TracesRejected",
        description: "Spans that exceed a limit.",
      },
    ),
    requestErrors("Query error rate", store, queries, { panel: "Queries by route and status code" }),
    total(
      "Failed flushes",
      "short",
      of(watcher, { flushes: grownOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`) }),
      {
        thresholds: { above: [1, 5] },
        opens: { panel: "Blocks flushed" },
        runbook: "ObjectStorageUnreachable",
        description:
          "Blocks that ingesters could not write to object storage, in the time range. They retry.",
      },
    ),
    total(
      "Compaction errors",
      "short",
      of(watcher, { compactions: grownOrZero(`tempodb_compaction_errors_total{${tempo}}`) }),
      {
        thresholds: { above: [1, 5] },
        opens: { panel: "Compaction" },
        runbook: "TempoCompactionFailing",
        description: "In the time range.",
      },
    ),
    unhealthyMembers(store),
  ],
  rows: [
    {
      title: "Ingestion",
      panels: [
        timeSeries(
          "Ingestion rate by tenant",
          spansPerSecond,
          of(watcher, {
            "{{tenant}}": rate(`tempo_distributor_spans_received_total{${tempo}, ${tenant}}`, "tenant"),
          }),
          { stacked: true, none: "No spans" },
        ),
        timeSeries(
          "Received bytes by tenant",
          "Bps",
          of(watcher, {
            "{{tenant}}": rate(`tempo_distributor_bytes_received_total{${tempo}, ${tenant}}`, "tenant"),
          }),
          { stacked: true, none: "No spans" },
        ),
        timeSeries(
          "Discarded spans by reason",
          spansPerSecond,
          of(watcher, {
            all: rateOrZero(`tempo_discarded_spans_total{${tempo}, ${tenant}}`),
            "{{tenant}}: {{reason}}": rate(
              `tempo_discarded_spans_total{${tempo}, ${tenant}}`,
              "tenant, reason",
            ),
          }),
          {
            description:
              "Alloy retries `rate_limited` spans; `live_traces_exceeded` and `trace_too_large` are lost.",
          },
        ),
        timeSeries(
          "Push latency",
          "s",
          of(watcher, quantiles(`tempo_distributor_push_duration_seconds_bucket{${tempo}}`)),
          {
            none: "No spans",
            runbook: "TempoDistributorOverloaded",
            description: "Time until ingesters have accepted a batch.",
          },
        ),
        timeSeries(
          "Ingester append failures",
          "ops",
          of(watcher, {
            failures: rateOrZero(`tempo_distributor_ingester_append_failures_total{${tempo}}`),
          }),
        ),
        timeSeries(
          "Ring members by state",
          "short",
          of(watcher, { "{{name}} {{state}}": `max by (name, state) (tempo_ring_members{${tempo}}) > 0` }),
          { description: "All members are ACTIVE, except during a rollout." },
        ),
      ],
    },
    {
      title: "Ingesters",
      collapsed: true,
      panels: [
        timeSeries(
          "Live traces by ingester",
          "short",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (tempo_ingester_live_traces{${tempo}, ${tenant}})`,
          }),
          { description: "Traces with recent spans. A tenant has a limit." },
        ),
        timeSeries(
          "Live trace bytes by ingester",
          "bytes",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (tempo_ingester_live_trace_bytes{${tempo}, ${tenant}})`,
          }),
        ),
        timeSeries(
          "Blocks flushed",
          blocksPerSecond,
          of(watcher, {
            flushed: rate(`tempo_ingester_blocks_flushed_total{${tempo}}`),
            failed: rateOrZero(`tempo_ingester_failed_flushes_total{${tempo}}`),
          }),
        ),
        timeSeries(
          "Flush queue length",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (tempo_ingester_flush_queue_length{${tempo}})` }),
          { description: "Blocks waiting for object storage. It grows while object storage is unavailable." },
        ),
        timeSeries(
          "Flush duration",
          "s",
          of(watcher, quantiles(`tempo_ingester_flush_duration_seconds_bucket{${tempo}}`)),
          { none: "No flush" },
        ),
        timeSeries(
          "Flushed block size",
          "bytes",
          of(watcher, quantiles(`tempo_ingester_flush_size_bytes_bucket{${tempo}}`)),
          { none: "No flush" },
        ),
      ],
    },
    {
      title: "Blocks and compaction",
      collapsed: true,
      panels: [
        timeSeries(
          "Blocklist length",
          "short",
          of(watcher, {
            "{{tenant}}": `max by (tenant) (tempodb_blocklist_length{${tempo}, ${tenant}})`,
          }),
          {
            description:
              "Blocks in object storage. If it grows steadily, compaction is behind and searches slow down.",
          },
        ),
        timeSeries(
          "Outstanding compaction blocks",
          "short",
          of(watcher, {
            "{{tenant}}": `max by (tenant) (tempodb_compaction_outstanding_blocks{${tempo}, ${tenant}})`,
          }),
        ),
        timeSeries(
          "Compaction",
          "ops",
          of(watcher, {
            "objects written": rateOrZero(`tempodb_compaction_objects_written_total{${tempo}}`),
            "blocks deleted for their age": rateOrZero(`tempodb_retention_deleted_total{${tempo}}`),
            errors: rateOrZero(`tempodb_compaction_errors_total{${tempo}}`),
            "retention errors": rateOrZero(`tempodb_retention_errors_total{${tempo}}`),
          }),
        ),
        timeSeries(
          "Blocklist index age",
          "s",
          of(watcher, {
            "{{tenant}}": `max by (tenant) (tempodb_blocklist_tenant_index_age_seconds{${tempo}, ${tenant}})`,
          }),
          {
            width: 12,
            thresholds: { above: [900, 1800] },
            description:
              "Compactors write the index every 5 minutes. Queriers find newer blocks in ingesters only.",
          },
        ),
        timeSeries(
          "Blocklist failures",
          "ops",
          of(watcher, {
            "not read": rateOrZero(`tempodb_blocklist_poll_errors_total{${tempo}}`),
            "not written": rateOrZero(`tempodb_blocklist_tenant_index_errors_total{${tempo}}`),
          }),
          { width: 12 },
        ),
      ],
    },
    {
      title: "Queries",
      panels: [
        ...queryPanels(store, queries),
        timeSeries(
          "Query queue length",
          "short",
          of(watcher, { "{{user}}": `sum by (user) (tempo_query_frontend_queue_length{${tempo}})` }),
          {
            none: "No queries",
            description: "Subqueries without a free querier. Add queriers to shorten it.",
          },
        ),
        timeSeries(
          "Query queue duration",
          "s",
          of(watcher, quantiles(`tempo_query_frontend_queue_duration_seconds_bucket{${tempo}}`)),
          { none: "No queries" },
        ),
        timeSeries(
          "Bytes inspected by queries",
          "Bps",
          of(watcher, {
            "{{op}}": rate(`tempo_query_frontend_bytes_inspected_total{${tempo}, ${tenant}}`, "op"),
          }),
          { none: "No queries" },
        ),
      ],
    },
    {
      title: "Metrics-generator",
      collapsed: true,
      panels: [
        timeSeries(
          "Metrics-generator spans",
          spansPerSecond,
          of(watcher, {
            received: rateOrZero(`tempo_metrics_generator_spans_received_total{${tempo}, ${tenant}}`),
            "dropped: {{reason}}": rate(
              `tempo_metrics_generator_spans_discarded_total{${tempo}, ${tenant}}`,
              "reason",
            ),
          }),
          { description: "Zero if Alloy generates span metrics (`tracing.metricsFrom`)." },
        ),
        timeSeries(
          "Metrics-generator series",
          "short",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (tempo_metrics_generator_registry_active_series{${tempo}, ${tenant}})`,
            "rejected per second": rateOrZero(
              `tempo_metrics_generator_registry_series_limited_total{${tempo}, ${tenant}}`,
            ),
          }),
        ),
        timeSeries(
          "Metrics-generator remote write",
          samplesPerSecond,
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
      collapsed: true,
      panels: [
        timeSeries(
          "Object storage operations",
          "ops",
          of(watcher, {
            "{{operation}} {{status_code}}": rate(
              `tempodb_backend_request_duration_seconds_count{${tempo}}`,
              "operation, status_code",
            ),
          }),
          { width: 12, description: "404: a missing object, which is often normal." },
        ),
        timeSeries(
          "p95 object storage latency",
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
