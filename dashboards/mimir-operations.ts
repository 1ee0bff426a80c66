import { defaultNamespaces as namespaces } from "../names";
import {
  bars,
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
  since,
  stat,
  timeSeries,
  total,
  unhealthyMembers,
  watcher,
  within,
} from "./kit";

const mimir = within(namespaces.mimir);
const tenant = 'user=~"$tenant"';
/** Push requests: remote write and OTLP. */
const pushes = `${mimir}, container="distributor", route=~"api_v1_push|otlp_v1_metrics"`;
/** Queries at the query frontend. */
const queries = `${mimir}, container="query-frontend", route=~"prometheus_api_v1_.+"`;

const store: Store = { prefix: "cortex", of: mimir };

/** Mimir operations: ingestion, storage, queries, rules and alerts. */
export const mimirOperations: Dashboard = {
  uid: "mimir-operations",
  title: "Mimir operations",
  purpose:
    "Does Mimir accept, store and return every sample? Shows what is slow, rejected or near its limit: " +
    "ingestion, object storage, queries, rules and alerts.",
  tags: ["mimir"],
  none: "No Mimir metrics",
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
  numbers: [
    stat(
      "Ingestion rate",
      samplesPerSecond,
      of(watcher, { samples: rate(`cortex_distributor_received_samples_total{${mimir}, ${tenant}}`) }),
      {
        thresholds: { below: [10, 0.01] },
        opens: { panel: "Ingestion rate by tenant" },
        runbook: "NoMetricsIngested",
        description: "Samples that distributors receive.",
      },
    ),
    stat(
      "Discard rate",
      samplesPerSecond,
      of(watcher, { samples: rateOrZero(`cortex_discarded_samples_total{${mimir}, ${tenant}}`) }),
      {
        thresholds: { above: [0.001, 10] },
        opens: { panel: "Discarded samples by reason" },
        runbook: "MetricsRejected",
        description: "Samples that exceed a limit or are invalid. They are lost.",
      },
    ),
    requestErrors(
      "Write error rate",
      store,
      pushes,
      { panel: "Writes by route and status code" },
      "Writes with a 5xx status. Senders retry them.",
    ),
    requestErrors("Query error rate", store, queries, { panel: "Queries by route and status code" }),
    unhealthyMembers(store),
    stat(
      "Last compaction",
      "s",
      of(watcher, {
        ago: since(`max(cortex_compactor_last_successful_run_timestamp_seconds{${mimir}})`),
      }),
      {
        thresholds: { above: [3 * 3600, 24 * 3600] },
        opens: { panel: "Compactor runs" },
        runbook: "MimirCompactionFailing",
        none: "No run yet",
        description:
          "Time since the last successful compactor run. Without compaction, queries slow down and data does not expire.",
      },
    ),
  ],
  rows: [
    {
      title: "Ingestion",
      panels: [
        timeSeries(
          "Ingestion rate by tenant",
          samplesPerSecond,
          of(watcher, {
            "{{user}}": rate(`cortex_distributor_received_samples_total{${mimir}, ${tenant}}`, "user"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Discarded samples by reason",
          samplesPerSecond,
          of(watcher, {
            all: rateOrZero(`cortex_discarded_samples_total{${mimir}, ${tenant}}`),
            "{{user}}: {{reason}}": rate(
              `cortex_discarded_samples_total{${mimir}, ${tenant}}`,
              "user, reason",
            ),
          }),
        ),
        timeSeries(
          "Writes by route and status code",
          "reqps",
          of(watcher, {
            "{{route}} {{status_code}}": rate(
              `cortex_request_duration_seconds_count{${pushes}}`,
              "route, status_code",
            ),
          }),
          { description: "4xx: rejected, not retried. 429 and 5xx: retried." },
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
          { stacked: true, description: "Sum over all ingesters: each replica of a series counts." },
        ),
        bars(
          "Series, % of limit",
          "percentunit",
          of(watcher, {
            "{{user}}":
              `max by (user) (cortex_ingester_active_series{${mimir}, ${tenant}} / ignoring (limit) ` +
              `cortex_ingester_local_limits{${mimir}, limit="max_global_series_per_user"})`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { above: [0.7, 0.9] },
            description:
              "Fullest ingester, in percent of its share of the tenant's limit. At 100 % new series are rejected.",
          },
        ),
      ],
    },
    {
      title: "Ingesters",
      collapsed: true,
      panels: [
        timeSeries(
          "In-memory series by ingester",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (cortex_ingester_memory_series{${mimir}})` }),
          { description: "Series in the TSDB head, including series without recent samples." },
        ),
        timeSeries(
          "Age of the newest sample",
          "s",
          of(watcher, {
            "{{pod}}": `time() - max by (pod) (cortex_ingester_tsdb_head_max_timestamp_seconds{${mimir}} > 0)`,
          }),
          { thresholds: { above: [120, 600] } },
        ),
        timeSeries(
          "Ring members by state",
          "short",
          of(watcher, {
            "{{name}} {{state}}": `max by (name, state) (cortex_ring_members{${mimir}}) > 0`,
          }),
          { description: "All members are ACTIVE, except during a rollout." },
        ),
        timeSeries(
          "WAL bytes written",
          "Bps",
          of(watcher, {
            // A WAL page has 32 KiB.
            "{{pod}}": `32768 * ${rate(`cortex_ingester_tsdb_wal_completed_pages_total{${mimir}}`, "pod")}`,
          }),
        ),
        timeSeries(
          "Blocks uploaded",
          blocksPerSecond,
          of(watcher, {
            shipped: rate(`cortex_ingester_shipper_uploads_total{${mimir}}`),
            failed: rateOrZero(`cortex_ingester_shipper_upload_failures_total{${mimir}}`),
          }),
          {
            runbook: "ObjectStorageUnreachable",
            description: "Every two hours each ingester uploads a block per tenant.",
          },
        ),
        timeSeries(
          "Oldest block not uploaded",
          "s",
          of(watcher, {
            "{{pod}}": since(
              `max by (pod) (cortex_ingester_oldest_unshipped_block_timestamp_seconds{${mimir}})`,
            ),
          }),
          { thresholds: { above: [1800, 3600] }, none: "All blocks uploaded" },
        ),
        total(
          "Ingester failures",
          "short",
          of(watcher, {
            "log corruptions": grownOrZero(`cortex_ingester_tsdb_wal_corruptions_total{${mimir}}`),
            "failed compactions": grownOrZero(`cortex_ingester_tsdb_compactions_failed_total{${mimir}}`),
            "requests over a limit": grownOrZero(
              `cortex_ingester_instance_rejected_requests_total{${mimir}}`,
            ),
          }),
          {
            width: 24,
            thresholds: { above: [1, 10] },
            description:
              "WAL corruptions, failed head compactions and requests over an instance limit, in the time range.",
          },
        ),
      ],
    },
    {
      title: "Compactor",
      collapsed: true,
      panels: [
        timeSeries(
          "Compactor runs",
          "ops",
          of(watcher, {
            completed: rate(`cortex_compactor_runs_completed_total{${mimir}}`),
            "failed: {{reason}}": rate(`cortex_compactor_runs_failed_total{${mimir}}`, "reason"),
          }),
        ),
        timeSeries(
          "Compaction jobs pending",
          "short",
          of(watcher, {
            "{{user}} {{type}}": `sum by (user, type) (cortex_bucket_index_estimated_compaction_jobs{${mimir}, ${tenant}})`,
          }),
          { none: "No blocks yet" },
        ),
        timeSeries(
          "Blocks in object storage",
          "short",
          of(watcher, {
            "{{user}}": `max by (user) (cortex_bucket_blocks_count{${mimir}, ${tenant}})`,
          }),
          { none: "No blocks yet" },
        ),
      ],
    },
    {
      title: "Queries",
      panels: [
        ...queryPanels(store, queries),
        timeSeries(
          "Query scheduler queue duration",
          "s",
          of(watcher, quantiles(`cortex_query_scheduler_queue_duration_seconds_bucket{${mimir}}`)),
          {
            none: "No queries",
            description: "Time that queries wait for a querier. Add queriers to shorten it.",
          },
        ),
        timeSeries(
          "Blocks loaded by store-gateway",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (cortex_bucket_store_blocks_loaded{${mimir}})` }),
        ),
        timeSeries(
          "Time since store-gateway sync",
          "s",
          of(watcher, {
            "{{pod}}": since(
              `max by (pod) (cortex_bucket_stores_blocks_last_successful_sync_timestamp_seconds{${mimir}, component="store-gateway"})`,
            ),
          }),
          {
            thresholds: { above: [1800, 3600] },
            description: "Store-gateways sync every 15 minutes. Without a sync, queries miss new blocks.",
          },
        ),
      ],
    },
    {
      title: "Rules and alerts",
      collapsed: true,
      panels: [
        timeSeries(
          "Rule evaluations by tenant",
          "ops",
          of(watcher, {
            "{{user}}": rate(`cortex_prometheus_rule_evaluations_total{${mimir}, ${tenant}}`, "user"),
          }),
          { none: "No rules" },
        ),
        timeSeries(
          "Rule evaluation failures",
          "ops",
          of(watcher, {
            failed: rateOrZero(`cortex_prometheus_rule_evaluation_failures_total{${mimir}, ${tenant}}`),
            missed: rateOrZero(`cortex_prometheus_rule_group_iterations_missed_total{${mimir}, ${tenant}}`),
          }),
          { description: "Missed: a group took longer than its interval, so evaluations were skipped." },
        ),
        timeSeries(
          "Alertmanager alerts and failures",
          "ops",
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
      collapsed: true,
      panels: [
        timeSeries(
          "Object storage operations",
          "ops",
          of(watcher, {
            "{{component}} {{operation}}": `${rate(`thanos_objstore_bucket_operations_total{${mimir}}`, "component, operation")} > 0`,
          }),
          {
            description:
              "`ruler-storage` and `alertmanager-storage` have their own buckets; the others use the blocks bucket.",
          },
        ),
        timeSeries(
          "Object storage failures",
          "ops",
          of(watcher, {
            all: rateOrZero(`thanos_objstore_bucket_operation_failures_total{${mimir}}`),
            "{{component}} {{operation}}": `${rate(`thanos_objstore_bucket_operation_failures_total{${mimir}}`, "component, operation")} > 0`,
          }),
        ),
        timeSeries(
          "p95 object storage latency",
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
