import { namespaces } from "../names";
import {
  bars,
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
  since,
  stat,
  timeSeries,
  unhealthyMembers,
  watcher,
  within,
} from "./kit";

const mimir = within(namespaces.mimir);
const tenant = 'user=~"$tenant"';
/** How samples come in: remote write and OTLP. */
const pushes = `${mimir}, container="distributor", route=~"api_v1_push|otlp_v1_metrics"`;
/** What people, Grafana and rules ask for, where they ask. */
const queries = `${mimir}, container="query-frontend", route=~"prometheus_api_v1_.+"`;

const store: Store = { prefix: "cortex", of: mimir };

/** Mimir operations (R12): from samples that come in to blocks in the bucket, queries, rules and alerts. */
export const mimirOperations: Dashboard = {
  uid: "mimir-operations",
  title: "Mimir operations",
  purpose:
    "Does Mimir take every sample, keep it, and answer? For whoever operates it: what is slow, refused or near its " +
    "limit, from the distributor over ingesters and bucket to queries, rules and alerts.",
  tags: ["mimir"],
  sources: [watcher],
  variables: [
    clusterVariable(watcher),
    componentVariable(namespaces.mimir),
    {
      name: "tenant",
      label: "Tenant",
      source: watcher,
      series: `cortex_distributor_received_samples_total{${mimir}}`,
      of: "user",
    },
  ],
  next: {
    "stack-health": "Monitoring stack health",
    alloy: "Alloy health",
    minio: "MinIO storage",
    cost: "Cost and cardinality",
  },
  runbooks: [
    "MimirCompactionFailing",
    "MetricsRejected",
    "NoMetricsIngested",
    "ObjectStorageUnreachable",
    "RingUnhealthy",
  ],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat(
          "Samples in",
          "cps",
          of(watcher, { samples: rate(`cortex_distributor_received_samples_total{${mimir}, ${tenant}}`) }),
          { thresholds: { yellow: 10, red: 0.01 }, description: "Red: nothing comes in." },
        ),
        stat(
          "Samples rejected",
          "cps",
          of(watcher, { samples: rateOrZero(`cortex_discarded_samples_total{${mimir}, ${tenant}}`) }),
          {
            thresholds: { yellow: 0.001, red: 10 },
            description:
              "Refused for a limit or an error of the sample itself, and lost. Reasons stand below.",
          },
        ),
        requestErrors("Write errors", store, pushes, "Writers try these again; nothing is lost yet."),
        requestErrors("Query errors", store, queries, "Empty while nobody asks."),
        unhealthyMembers(store),
        stat(
          "Compactor last ran",
          "s",
          of(watcher, {
            ago: since(`max(cortex_compactor_last_successful_run_timestamp_seconds{${mimir}})`),
          }),
          {
            thresholds: { yellow: 3 * 3600, red: 24 * 3600 },
            description:
              "How long ago a run of it ended well. Without it queries slow down and nothing expires.",
          },
        ),
      ],
    },
    {
      title: "Ingestion",
      panels: [
        timeSeries(
          "Samples in by tenant",
          "cps",
          of(watcher, {
            "{{user}}": rate(`cortex_distributor_received_samples_total{${mimir}, ${tenant}}`, "user"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Samples rejected by reason",
          "cps",
          of(watcher, {
            all: rateOrZero(`cortex_discarded_samples_total{${mimir}, ${tenant}}`),
            "{{user}}: {{reason}}": rate(
              `cortex_discarded_samples_total{${mimir}, ${tenant}}`,
              "user, reason",
            ),
          }),
        ),
        timeSeries(
          "Writes by route and status",
          "reqps",
          of(watcher, {
            "{{route}} {{status_code}}": rate(
              `cortex_request_duration_seconds_count{${pushes}}`,
              "route, status_code",
            ),
          }),
          { description: "4xx is refused for good; 429 and 5xx come again." },
        ),
        timeSeries(
          "Write latency",
          "s",
          of(watcher, quantiles(`cortex_request_duration_seconds_bucket{${pushes}}`)),
        ),
        timeSeries(
          "Active series by tenant",
          "short",
          of(watcher, {
            "{{user}}": `sum by (user) (cortex_ingester_active_series{${mimir}, ${tenant}})`,
          }),
          {
            stacked: true,
            description: "Of all ingesters: each series counts once for each of its replicas.",
          },
        ),
        bars(
          "Series against the limit",
          "percentunit",
          of(watcher, {
            "{{user}}":
              `max by (user) (cortex_ingester_active_series{${mimir}, ${tenant}} / ignoring (limit) ` +
              `cortex_ingester_local_limits{${mimir}, limit="max_global_series_per_user"})`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { yellow: 0.7, red: 0.9 },
            description:
              "Of the fullest ingester, against its part of the tenant's limit. At 100 % new series are refused.",
          },
        ),
      ],
    },
    {
      title: "Ingesters",
      panels: [
        timeSeries(
          "Series in memory",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (cortex_ingester_memory_series{${mimir}})` }),
          { description: "The head of the database, with series that were not written to lately." },
        ),
        timeSeries(
          "Age of the newest sample",
          "s",
          of(watcher, {
            "{{pod}}": `time() - max by (pod) (cortex_ingester_tsdb_head_max_timestamp_seconds{${mimir}} > 0)`,
          }),
          { thresholds: { yellow: 120, red: 600 } },
        ),
        timeSeries(
          "Ring members by state",
          "short",
          of(watcher, {
            "{{name}} {{state}}": `max by (name, state) (cortex_ring_members{${mimir}}) > 0`,
          }),
          { description: "All are ACTIVE but while pods come and go." },
        ),
        timeSeries(
          "Written to the write-ahead log",
          "Bps",
          of(watcher, {
            // Its pages have 32 KiB.
            "{{pod}}": `32768 * ${rate(`cortex_ingester_tsdb_wal_completed_pages_total{${mimir}}`, "pod")}`,
          }),
        ),
        timeSeries(
          "Blocks shipped",
          "ops",
          of(watcher, {
            shipped: rate(`cortex_ingester_shipper_uploads_total{${mimir}}`),
            failed: rateOrZero(`cortex_ingester_shipper_upload_failures_total{${mimir}}`),
          }),
          { description: "Every two hours each ingester ships a block for each tenant." },
        ),
        timeSeries(
          "Age of the oldest unshipped block",
          "s",
          of(watcher, {
            "{{pod}}": since(
              `max by (pod) (cortex_ingester_oldest_unshipped_block_timestamp_seconds{${mimir}})`,
            ),
          }),
          {
            thresholds: { yellow: 1800, red: 3600 },
            description: "Empty while all blocks are in the bucket, as they should be.",
          },
        ),
        stat(
          "Broken or refused in ingesters",
          "short",
          of(watcher, {
            "log corruptions": grownOrZero(`cortex_ingester_tsdb_wal_corruptions_total{${mimir}}`),
            "failed compactions": grownOrZero(`cortex_ingester_tsdb_compactions_failed_total{${mimir}}`),
            "requests over a limit": grownOrZero(
              `cortex_ingester_instance_rejected_requests_total{${mimir}}`,
            ),
          }),
          { width: 24, thresholds: { yellow: 1, red: 10 } },
        ),
      ],
    },
    {
      title: "Compactor",
      panels: [
        timeSeries(
          "Runs",
          "cps",
          of(watcher, {
            completed: rate(`cortex_compactor_runs_completed_total{${mimir}}`),
            "failed: {{reason}}": rate(`cortex_compactor_runs_failed_total{${mimir}}`, "reason"),
          }),
        ),
        timeSeries(
          "Blocks that wait",
          "short",
          of(watcher, {
            "{{user}} {{type}}": `sum by (user, type) (cortex_bucket_index_estimated_compaction_jobs{${mimir}, ${tenant}})`,
          }),
          { description: "Compactions to do; empty until the first blocks are in the bucket." },
        ),
        timeSeries(
          "Blocks in the bucket",
          "short",
          of(watcher, {
            "{{user}}": `max by (user) (cortex_bucket_blocks_count{${mimir}, ${tenant}})`,
          }),
          { description: "Empty until the first blocks are in the bucket." },
        ),
      ],
    },
    {
      title: "Queries",
      panels: [
        timeSeries(
          "Query latency",
          "s",
          of(watcher, quantiles(`cortex_request_duration_seconds_bucket{${queries}}`)),
        ),
        timeSeries(
          "Query latency by route (p95)",
          "s",
          of(watcher, {
            "{{route}}": quantile(0.95, `cortex_request_duration_seconds_bucket{${queries}}`, "route"),
          }),
        ),
        timeSeries(
          "Queries by route and status",
          "reqps",
          of(watcher, {
            "{{route}} {{status_code}}": rate(
              `cortex_request_duration_seconds_count{${queries}}`,
              "route, status_code",
            ),
          }),
        ),
        timeSeries(
          "Wait for a querier",
          "s",
          of(watcher, quantiles(`cortex_query_scheduler_queue_duration_seconds_bucket{${mimir}}`)),
          { description: "How long queries stand in the scheduler's queue; more queriers make it shorter." },
        ),
        timeSeries(
          "Blocks that store-gateways serve",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (cortex_bucket_store_blocks_loaded{${mimir}})` }),
        ),
        timeSeries(
          "Store-gateways since the last sync",
          "s",
          of(watcher, {
            "{{pod}}": since(
              `max by (pod) (cortex_bucket_stores_blocks_last_successful_sync_timestamp_seconds{${mimir}, component="store-gateway"})`,
            ),
          }),
          {
            thresholds: { yellow: 1800, red: 3600 },
            description:
              "They look for new blocks every 15 minutes; without that, queries miss what is new in the bucket.",
          },
        ),
      ],
    },
    {
      title: "Rules and alerts",
      panels: [
        timeSeries(
          "Rule evaluations by tenant",
          "ops",
          of(watcher, {
            "{{user}}": rate(`cortex_prometheus_rule_evaluations_total{${mimir}, ${tenant}}`, "user"),
          }),
          { description: "Empty while no tenant has rules." },
        ),
        timeSeries(
          "Rules failed or missed",
          "ops",
          of(watcher, {
            failed: rateOrZero(`cortex_prometheus_rule_evaluation_failures_total{${mimir}, ${tenant}}`),
            missed: rateOrZero(`cortex_prometheus_rule_group_iterations_missed_total{${mimir}, ${tenant}}`),
          }),
          {
            description: "Missed: a group took longer than its interval, so some evaluations were left out.",
          },
        ),
        timeSeries(
          "Alertmanager",
          "cps",
          of(watcher, {
            "alerts received": rateOrZero(`cortex_alertmanager_alerts_received_total{${mimir}, ${tenant}}`),
            "notifications failed": rateOrZero(
              `cortex_alertmanager_notifications_failed_total{${mimir}, ${tenant}}`,
            ),
            "configurations not loaded": rateOrZero(
              `cortex_alertmanager_sync_configs_failed_total{${mimir}}`,
            ),
          }),
        ),
      ],
    },
    {
      title: "Object storage",
      panels: [
        timeSeries(
          "Operations by who asks",
          "ops",
          of(watcher, {
            "{{component}} {{operation}}": `${rate(`thanos_objstore_bucket_operations_total{${mimir}}`, "component, operation")} > 0`,
          }),
          {
            description:
              "`ruler-storage` and `alertmanager-storage` have buckets of their own, all others work on the blocks'.",
          },
        ),
        timeSeries(
          "Failures",
          "ops",
          of(watcher, {
            all: rateOrZero(`thanos_objstore_bucket_operation_failures_total{${mimir}}`),
            "{{component}} {{operation}}": `${rate(`thanos_objstore_bucket_operation_failures_total{${mimir}}`, "component, operation")} > 0`,
          }),
        ),
        timeSeries(
          "Latency by operation (p95)",
          "s",
          of(watcher, {
            "{{operation}}": quantile(
              0.95,
              `thanos_objstore_bucket_operation_duration_seconds_bucket{${mimir}}`,
              "operation",
            ),
          }),
        ),
      ],
    },
    podsRow(`namespace="${namespaces.mimir}", container=~"$component"`),
  ],
};
