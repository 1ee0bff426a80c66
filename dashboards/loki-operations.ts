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
  since,
  stat,
  timeSeries,
  unhealthyMembers,
  watcher,
  within,
} from "./kit";

const loki = within(namespaces.loki);
const tenant = 'tenant=~"$tenant"';
/** How lines come in: Loki's own protocol and OTLP. */
const pushes = `${loki}, container="distributor", route=~"loki_api_v1_push|otlp_v1_logs"`;
/** What people and Grafana ask for, where they ask; the status page is not a query. */
const queries = `${loki}, container="query-frontend", route=~"loki_api_v1_.+", route!~".*(buildinfo|tail)"`;

const store: Store = { prefix: "loki", of: loki };

/** Loki operations (R12): from lines that come in to chunks in the bucket, and back. */
export const lokiOperations: Dashboard = {
  uid: "loki-operations",
  title: "Loki operations",
  purpose:
    "Does Loki take every line, keep it, and find it again? For whoever operates it: what is slow, refused or full, " +
    "from the distributor over ingesters and bucket to queries.",
  tags: ["loki"],
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
  next: {
    "stack-health": "Monitoring stack health",
    alloy: "Alloy health",
    minio: "MinIO storage",
    cost: "Cost and cardinality",
  },
  runbooks: [
    "LokiIngesterUnhealthy",
    "LokiCompactorBehind",
    "LogsRejected",
    "NoLogsIngested",
    "ObjectStorageUnreachable",
    "RingUnhealthy",
  ],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat(
          "Lines in",
          "cps",
          of(watcher, { lines: rate(`loki_distributor_lines_received_total{${loki}, ${tenant}}`) }),
          { thresholds: { yellow: 1, red: 0.01 }, description: "Red: nothing comes in." },
        ),
        stat(
          "Lines rejected",
          "cps",
          of(watcher, { lines: rateOrZero(`loki_discarded_samples_total{${loki}, ${tenant}}`) }),
          {
            thresholds: { yellow: 0.001, red: 1 },
            description: "Refused for a limit or an error of the line itself, and lost. Reasons stand below.",
          },
        ),
        requestErrors("Push errors", store, pushes, "Alloy tries these again; nothing is lost yet."),
        requestErrors("Query errors", store, queries, "Empty while nobody asks."),
        unhealthyMembers(store),
        stat(
          "Retention last ran",
          "s",
          of(watcher, {
            ago: since(`max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds{${loki}})`),
          }),
          {
            thresholds: { yellow: 3 * 3600, red: 24 * 3600 },
            description:
              "How long ago the compactor last deleted what is too old. Empty until its first run, which waits for " +
              "the ring to settle.",
          },
        ),
      ],
    },
    {
      title: "Ingestion",
      panels: [
        timeSeries(
          "Lines in by tenant",
          "cps",
          of(watcher, {
            "{{tenant}}": rate(`loki_distributor_lines_received_total{${loki}, ${tenant}}`, "tenant"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Bytes in by tenant",
          "Bps",
          of(watcher, {
            "{{tenant}}": rate(`loki_distributor_bytes_received_total{${loki}, ${tenant}}`, "tenant"),
          }),
          { stacked: true },
        ),
        timeSeries(
          "Lines rejected by reason",
          "cps",
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
          { description: "How long distributors take to have a push on a majority of ingesters." },
        ),
        timeSeries(
          "Pushes by status",
          "reqps",
          of(watcher, {
            "{{status_code}}": rate(`loki_request_duration_seconds_count{${pushes}}`, "status_code"),
          }),
          { description: "204 is taken, 4xx refused for good, 429 and 5xx come again.", stacked: true },
        ),
        timeSeries(
          "Ring members by state",
          "short",
          of(watcher, {
            "{{name}} {{state}}": `max by (name, state) (loki_ring_members{${loki}}) > 0`,
          }),
          { description: "All are ACTIVE but while pods come and go." },
        ),
      ],
    },
    {
      title: "Ingesters",
      panels: [
        timeSeries(
          "Streams",
          "short",
          of(watcher, {
            "{{pod}} {{tenant}}": `sum by (pod, tenant) (loki_ingester_memory_streams{${loki}, ${tenant}})`,
          }),
          { description: "Combinations of labels that are written to now. Each costs memory and a chunk." },
        ),
        timeSeries(
          "Chunks in memory",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (loki_ingester_memory_chunks{${loki}})` }),
        ),
        timeSeries(
          "Flushes by reason",
          "cps",
          of(watcher, { "{{reason}}": rate(`loki_ingester_chunks_flushed_total{${loki}}`, "reason") }),
          {
            stacked: true,
            description:
              "`full` is the best, `idle` and `max_age` make small chunks, `forced` comes with a shutdown. Empty " +
              "until the first chunk is flushed.",
          },
        ),
        timeSeries(
          "Flush queue",
          "short",
          of(watcher, { "{{pod}}": `sum by (pod) (loki_ingester_flush_queue_length{${loki}})` }),
          { description: "Chunks that wait for the bucket. It grows while the bucket is away." },
        ),
        timeSeries(
          "Flush failures",
          "cps",
          of(watcher, { failures: rateOrZero(`loki_ingester_chunks_flush_failures_total{${loki}}`) }),
        ),
        timeSeries(
          "Age of chunks at flush",
          "s",
          of(watcher, quantiles(`loki_ingester_chunk_age_seconds_bucket{${loki}}`)),
          { description: "Empty while nothing is flushed." },
        ),
        timeSeries(
          "Disk of the write-ahead log",
          "percentunit",
          of(watcher, { "{{pod}}": `max by (pod) (loki_ingester_wal_disk_usage_percent{${loki}})` }),
          {
            min: 0,
            max: 1,
            thresholds: { yellow: 0.7, red: 0.9 },
            description:
              "How full its volume is. When it is full, lines are taken but would not outlive a crash.",
          },
        ),
        timeSeries(
          "Written to the write-ahead log",
          "Bps",
          of(watcher, { "{{pod}}": rate(`loki_ingester_wal_logged_bytes_total{${loki}}`, "pod") }),
        ),
        stat(
          "Lost for a full or broken log",
          "short",
          of(watcher, {
            "disk full": grownOrZero(`loki_ingester_wal_disk_full_failures_total{${loki}}`),
            corrupt: grownOrZero(`loki_ingester_wal_corruptions_total{${loki}}`),
          }),
          {
            width: 8,
            height: 7,
            thresholds: { yellow: 1, red: 1 },
            description:
              "Writes that the write-ahead log did not keep, and damage found when it was read again.",
          },
        ),
      ],
    },
    {
      title: "Queries",
      panels: [
        timeSeries(
          "Query latency",
          "s",
          of(watcher, quantiles(`loki_request_duration_seconds_bucket{${queries}}`)),
        ),
        timeSeries(
          "Query latency by route (p95)",
          "s",
          of(watcher, {
            "{{route}}": quantile(0.95, `loki_request_duration_seconds_bucket{${queries}}`, "route"),
          }),
        ),
        timeSeries(
          "Queries by route and status",
          "reqps",
          of(watcher, {
            "{{route}} {{status_code}}": rate(
              `loki_request_duration_seconds_count{${queries}}`,
              "route, status_code",
            ),
          }),
        ),
        timeSeries(
          "Waiting queries",
          "short",
          of(watcher, { "{{user}}": `sum by (user) (loki_query_frontend_queue_length{${loki}})` }),
          { description: "Parts of queries that no querier works on yet; more queriers make it shorter." },
        ),
        timeSeries(
          "Wait for a querier",
          "s",
          of(watcher, quantiles(`loki_query_frontend_queue_duration_seconds_bucket{${loki}}`)),
        ),
        timeSeries(
          "Connected queriers",
          "short",
          of(watcher, { connections: `sum(loki_query_frontend_connected_clients{${loki}})` }),
          {
            description:
              "Workers of queriers that pull from the query frontends. None: no query is answered.",
          },
        ),
      ],
    },
    {
      title: "Compactor and retention",
      panels: [
        timeSeries(
          "Since the last success",
          "s",
          of(watcher, {
            compaction: since(
              `max(loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{${loki}})`,
            ),
            retention: since(
              `max(loki_compactor_apply_retention_last_successful_run_timestamp_seconds{${loki}})`,
            ),
          }),
          { thresholds: { yellow: 3 * 3600, red: 24 * 3600 }, description: "Empty until each ran once." },
        ),
        timeSeries(
          "Duration of a run",
          "s",
          of(watcher, {
            compaction: `max(loki_boltdb_shipper_compact_tables_operation_duration_seconds{${loki}})`,
            retention: `max(loki_compactor_apply_retention_operation_duration_seconds{${loki}})`,
          }),
        ),
        timeSeries(
          "Marked chunks that wait",
          "short",
          of(watcher, {
            files: `sum(loki_boltdb_shipper_retention_sweeper_marker_files_current{${loki}})`,
            "delete requests": `sum(loki_compactor_pending_delete_requests_count{${loki}})`,
          }),
          { description: "Files of chunks to delete, and requests of people to delete lines." },
        ),
      ],
    },
    {
      title: "Object storage",
      panels: [
        timeSeries(
          "Latency by operation (p95)",
          "s",
          of(watcher, {
            "{{operation}}": quantile(0.95, `loki_s3_request_duration_seconds_bucket{${loki}}`, "operation"),
          }),
        ),
        timeSeries(
          "Operations by status",
          "ops",
          of(watcher, {
            "{{operation}} {{status_code}}": rate(
              `loki_s3_request_duration_seconds_count{${loki}}`,
              "operation, status_code",
            ),
          }),
          { description: "Loki counts an object that is not there as 500; for GetObject a few are normal." },
        ),
        timeSeries(
          "Uploads of the index",
          "ops",
          of(watcher, {
            "{{status}}": rate(`loki_boltdb_shipper_tables_upload_operation_total{${loki}}`, "status"),
          }),
          {
            description:
              "Each ingester uploads its part every minute, so a bucket that is away shows here first.",
          },
        ),
      ],
    },
    podsRow(`namespace="${namespaces.loki}", container=~"$component"`),
  ],
};
