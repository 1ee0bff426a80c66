import { defaultNamespaces as namespaces } from "../names";
import {
  chunksPerSecond,
  clusterVariable,
  componentVariable,
  type Dashboard,
  grownOrZero,
  linesPerSecond,
  of,
  podsRow,
  quantile,
  quantiles,
  queryPanels,
  rate,
  rateOrZero,
  requestErrors,
  type Store,
  since,
  stat,
  timeSeries,
  total,
  unhealthyMembers,
  watcher,
  within,
} from "./kit";

const loki = within(namespaces.loki);
const tenant = 'tenant=~"$tenant"';
/** Push requests: Loki's own protocol and OTLP. */
const pushes = `${loki}, container="distributor", route=~"loki_api_v1_push|otlp_v1_logs"`;
/** Queries at the query frontend, without health and status requests. */
const queries = `${loki}, container="query-frontend", route=~"loki_api_v1_.+", route!~".*(buildinfo|tail)"`;

/** Requests to the object storage: each kind of storage has its own metric. */
const storageRequests = (part: "bucket" | "count") =>
  `{__name__=~"loki_(s3|gcs|azure_blob)_request_duration_seconds_${part}", ${loki}}`;

const store: Store = { prefix: "loki", of: loki };

/** Loki operations: ingestion, storage, queries, retention. */
export const lokiOperations: Dashboard = {
  uid: "loki-operations",
  title: "Loki operations",
  purpose:
    "Does Loki accept, store and return every log line? Shows what is slow, rejected or full, from " +
    "distributors over ingesters and object storage to queries.",
  tags: ["loki"],
  none: "No Loki metrics",
  sources: [watcher],
  variables: [
    clusterVariable(watcher),
    componentVariable(namespaces.loki),
    {
      name: "tenant",
      label: "Tenant",
      source: watcher,
      series: `loki_distributor_lines_received_total{${loki}}`,
    },
  ],
  numbers: [
    stat(
      "Ingestion rate",
      linesPerSecond,
      of(watcher, { lines: rate(`loki_distributor_lines_received_total{${loki}, ${tenant}}`) }),
      {
        thresholds: { below: [1, 0.01] },
        opens: { panel: "Ingestion rate by tenant" },
        runbook: "NoLogsIngested",
        description: "Log lines that distributors receive.",
      },
    ),
    stat(
      "Discard rate",
      linesPerSecond,
      of(watcher, { lines: rateOrZero(`loki_discarded_samples_total{${loki}, ${tenant}}`) }),
      {
        thresholds: { above: [0.001, 1] },
        opens: { panel: "Discarded lines by reason" },
        runbook: "LogsRejected",
        description: "Lines that exceed a limit or are invalid. They are lost.",
      },
    ),
    requestErrors(
      "Push error rate",
      store,
      pushes,
      { panel: "Push requests by status code" },
      "Pushes with a 5xx status. Alloy retries them.",
    ),
    requestErrors("Query error rate", store, queries, { panel: "Queries by route and status code" }),
    unhealthyMembers(store),
    stat(
      "Last retention run",
      "s",
      of(watcher, {
        ago: since(`max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds{${loki}})`),
      }),
      {
        thresholds: { above: [3 * 3600, 24 * 3600] },
        opens: { panel: "Time since last successful run" },
        runbook: "LokiCompactorBehind",
        none: "No run yet",
        description:
          "Time since the compactor last deleted expired data. It waits for a stable ring before its first run.",
      },
    ),
  ],
  rows: [
    {
      title: "Ingestion",
      panels: [
        timeSeries(
          "Ingestion rate by tenant",
          linesPerSecond,
          of(watcher, {
            "{{tenant}}": rate(`loki_distributor_lines_received_total{${loki}, ${tenant}}`, "tenant"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Received bytes by tenant",
          "Bps",
          of(watcher, {
            "{{tenant}}": rate(`loki_distributor_bytes_received_total{${loki}, ${tenant}}`, "tenant"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Discarded lines by reason",
          linesPerSecond,
          of(watcher, {
            all: rateOrZero(`loki_discarded_samples_total{${loki}, ${tenant}}`),
            "{{tenant}}: {{reason}}": rate(
              `loki_discarded_samples_total{${loki}, ${tenant}}`,
              "tenant, reason",
            ),
          }),
        ),
        timeSeries(
          "Push latency",
          "s",
          of(watcher, quantiles(`loki_request_duration_seconds_bucket{${pushes}}`)),
          { description: "Time until a majority of ingesters has accepted a push." },
        ),
        timeSeries(
          "Push requests by status code",
          "reqps",
          of(watcher, {
            "{{status_code}}": rate(`loki_request_duration_seconds_count{${pushes}}`, "status_code"),
          }),
          { stacked: true, description: "2xx: accepted. 4xx: rejected, not retried. 429 and 5xx: retried." },
        ),
        timeSeries(
          "Ring members by state",
          "short",
          of(watcher, {
            "{{name}} {{state}}": `max by (name, state) (loki_ring_members{${loki}}) > 0`,
          }),
          { description: "All members are ACTIVE, except during a rollout." },
        ),
      ],
    },
    {
      title: "Ingesters",
      collapsed: true,
      panels: [
        timeSeries(
          "Active streams by ingester",
          "short",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (loki_ingester_memory_streams{${loki}, ${tenant}})`,
          }),
          { description: "Unique label combinations. Each uses memory and a chunk." },
        ),
        timeSeries(
          "Chunks in memory",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (loki_ingester_memory_chunks{${loki}})` }),
        ),
        timeSeries(
          "Chunks flushed by reason",
          chunksPerSecond,
          of(watcher, { "{{reason}}": rate(`loki_ingester_chunks_flushed_total{${loki}}`, "reason") }),
          {
            stacked: true,
            none: "No flush yet",
            description:
              "`full` is best; `idle` and `max_age` create small chunks; `forced` happens during a shutdown.",
          },
        ),
        timeSeries(
          "Flush queue length",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (loki_ingester_flush_queue_length{${loki}})` }),
          { description: "Chunks waiting for object storage. It grows while object storage is unavailable." },
        ),
        timeSeries(
          "Chunk flush failures",
          chunksPerSecond,
          of(watcher, { failures: rateOrZero(`loki_ingester_chunks_flush_failures_total{${loki}}`) }),
          { runbook: "ObjectStorageUnreachable" },
        ),
        timeSeries(
          "Chunk age at flush",
          "s",
          of(watcher, quantiles(`loki_ingester_chunk_age_seconds_bucket{${loki}}`)),
          { none: "No flush" },
        ),
        timeSeries(
          "WAL disk usage",
          "percentunit",
          of(watcher, { "{{pod}}": `max by (pod) (loki_ingester_wal_disk_usage_percent{${loki}})` }),
          {
            min: 0,
            max: 1,
            thresholds: { above: [0.7, 0.9] },
            description: "Usage of the WAL volume. At 90 %, an ingester rejects all lines.",
            runbook: "LokiWalVolumeFilling",
          },
        ),
        timeSeries(
          "WAL bytes written",
          "Bps",
          of(watcher, { "{{pod}}": rate(`loki_ingester_wal_logged_bytes_total{${loki}}`, "pod") }),
        ),
        total(
          "WAL failures",
          "short",
          of(watcher, {
            "disk full": grownOrZero(`loki_ingester_wal_disk_full_failures_total{${loki}}`),
            corrupt: grownOrZero(`loki_ingester_wal_corruptions_total{${loki}}`),
          }),
          {
            width: 8,
            height: 7,
            thresholds: { above: [1] },
            description:
              "How often ingesters began to reject lines because the disk was full, and corruptions found during replay.",
          },
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
          of(watcher, {
            "{{user}}": `sum by (user) ({__name__=~"loki_query_(frontend|scheduler)_queue_length", ${loki}})`,
          }),
          { description: "Subqueries without a free querier. Add queriers to shorten it." },
        ),
        timeSeries(
          "Query queue duration",
          "s",
          of(
            watcher,
            quantiles(`{__name__=~"loki_query_(frontend|scheduler)_queue_duration_seconds_bucket", ${loki}}`),
          ),
        ),
        timeSeries(
          "Connected querier workers",
          "short",
          of(watcher, {
            connections: `sum({__name__=~"loki_query_frontend_connected_clients|loki_query_scheduler_connected_querier_clients", ${loki}})`,
          }),
          {
            description:
              "Querier workers connected to the query-schedulers, or to the query-frontends if there are no query-schedulers. Without any, no query is answered.",
          },
        ),
      ],
    },
    {
      title: "Compactor and retention",
      collapsed: true,
      panels: [
        timeSeries(
          "Time since last successful run",
          "s",
          of(watcher, {
            compaction: since(
              `max(loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{${loki}})`,
            ),
            retention: since(
              `max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds{${loki}})`,
            ),
          }),
          { thresholds: { above: [3 * 3600, 24 * 3600] }, none: "No run yet" },
        ),
        timeSeries(
          "Run duration",
          "s",
          of(watcher, {
            compaction: `max(loki_boltdb_shipper_compact_tables_operation_duration_seconds{${loki}})`,
            retention: `max(loki_compactor_apply_retention_operation_duration_seconds{${loki}})`,
          }),
        ),
        timeSeries(
          "Pending deletions",
          "short",
          of(watcher, {
            files: `sum(loki_boltdb_shipper_retention_sweeper_marker_files_current{${loki}})`,
            "delete requests": `sum(loki_compactor_pending_delete_requests_count{${loki}})`,
          }),
          { description: "Marker files of expired chunks, and delete requests." },
        ),
      ],
    },
    {
      title: "Object storage",
      collapsed: true,
      panels: [
        timeSeries(
          "p95 object storage latency",
          "s",
          of(watcher, {
            "{{operation}}": quantile(0.95, storageRequests("bucket"), "operation"),
          }),
        ),
        timeSeries(
          "Object storage operations",
          "ops",
          of(watcher, {
            "{{operation}} {{status_code}}": rate(storageRequests("count"), "operation, status_code"),
          }),
          {
            description:
              "S3 and Azure: Loki counts a missing object as 500, so a few for GetObject are normal.",
          },
        ),
        timeSeries(
          "Index uploads",
          "ops",
          of(watcher, {
            "{{status}}": rate(`loki_boltdb_shipper_tables_upload_operation_total{${loki}}`, "status"),
          }),
          {
            runbook: "ObjectStorageUnreachable",
            description:
              "Each ingester uploads its index every minute, so unavailable object storage shows here first.",
          },
        ),
      ],
    },
    podsRow(`namespace="${namespaces.loki}", container=~"$component"`),
  ],
};
