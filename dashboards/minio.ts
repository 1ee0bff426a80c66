import { defaultNamespaces as namespaces } from "../names";
import {
  bars,
  clusterVariable,
  type Dashboard,
  errorsPerSecond,
  inCluster,
  of,
  podsRow,
  stat,
  timeSeries,
  watcher,
} from "./kit";

const bucket = 'bucket=~"$bucket"';

/** A value of the whole MinIO cluster: every server reports the same. */
const whole = (metric: string) => `max(${metric}{${inCluster}})`;
/** A value of each bucket: every server reports the same. */
const byBucket = (metric: string) => `max by (bucket) (${metric}{${inCluster}, ${bucket}})`;
/** Rate of a counter of servers, without duplicates: some of the scraped endpoints repeat others. */
const counted = (metric: string, by = "server") =>
  `max by (${by}) (rate(${metric}{${inCluster}}[$__rate_interval]))`;
/** The same over all servers, by API. */
const byApi = (metric: string) => `sum by (api) (${counted(metric, "server, api")})`;
const free = whole("minio_cluster_capacity_usable_free_bytes");
const total = whole("minio_cluster_capacity_usable_total_bytes");
/** Growth in bytes per second, over hours because compaction deletes data from time to time. */
const growth = `deriv((${whole("minio_cluster_usage_total_bytes")})[6h:5m])`;

/** MinIO: capacity, buckets, requests, drives. Only if the stack runs MinIO. */
export const minio: Dashboard = {
  uid: "minio",
  title: "MinIO storage",
  purpose:
    "Is there enough space, and does object storage respond? Loki, Mimir and Tempo keep all their data " +
    "here: if it is full or slow, they fail.",
  tags: ["storage"],
  none: "No MinIO metrics",
  sources: [watcher],
  variables: [
    clusterVariable(watcher),
    {
      name: "bucket",
      label: "Bucket",
      source: watcher,
      series: `minio_bucket_usage_total_bytes{${inCluster}}`,
    },
  ],
  numbers: [
    stat("Capacity used", "percentunit", of(watcher, { used: `1 - ${free} / ${total}` }), {
      thresholds: { above: [0.7, 0.8] },
      opens: { panel: "Bytes by bucket over time" },
      runbook: "MinioStorageFilling",
      description: "Of all volumes. An alert fires at 80 %.",
    }),
    stat("Free capacity", "bytes", of(watcher, { free }), { opens: { panel: "Bytes by bucket over time" } }),
    stat("Growth per day", "bytes", of(watcher, { growth: `86400 * ${growth}` }), {
      opens: { panel: "Objects by bucket" },
      none: "Too little data",
      description: "Extrapolated from 6 hours. MinIO updates its usage every few minutes.",
    }),
    stat("Time until full", "s", of(watcher, { time: `${free} / (${growth} > 0)` }), {
      thresholds: { below: [30 * 86400, 7 * 86400] },
      opens: { panel: "Bytes by bucket over time" },
      runbook: "MinioStorageFullSoon",
      none: "Not growing",
      description: "At the growth of the last 6 hours.",
    }),
    stat("Offline drives", "short", of(watcher, { drives: whole("minio_cluster_drive_offline_total") }), {
      thresholds: { above: [1] },
      opens: { panel: "Drives by state" },
      runbook: "MinioDriveOffline",
    }),
    stat("Offline servers", "short", of(watcher, { servers: whole("minio_cluster_nodes_offline_total") }), {
      thresholds: { above: [1] },
      opens: { panel: "Drives by state" },
      runbook: "MinioServerOffline",
    }),
  ],
  rows: [
    {
      title: "Capacity",
      panels: [
        bars(
          "Bytes by bucket",
          "bytes",
          of(watcher, { "{{bucket}}": byBucket("minio_bucket_usage_total_bytes") }),
        ),
        timeSeries(
          "Bytes by bucket over time",
          "bytes",
          of(watcher, { "{{bucket}}": byBucket("minio_bucket_usage_total_bytes") }),
          { stacked: true },
        ),
        timeSeries(
          "Objects by bucket",
          "short",
          of(watcher, { "{{bucket}}": byBucket("minio_bucket_usage_object_total") }),
          { stacked: true },
        ),
      ],
    },
    {
      title: "Requests",
      panels: [
        timeSeries(
          "Requests by API",
          "reqps",
          of(watcher, { "{{api}}": `${byApi("minio_s3_requests_total")} > 0` }),
          { none: "No requests" },
        ),
        timeSeries(
          "Errors by API",
          "reqps",
          of(watcher, {
            "4xx {{api}}": `${byApi("minio_s3_requests_4xx_errors_total")} > 0`,
            "5xx {{api}}": `${byApi("minio_s3_requests_5xx_errors_total")} > 0`,
            "5xx errors": `sum(${counted("minio_s3_requests_5xx_errors_total", "server, api")}) or vector(0)`,
            "rejected credentials": `sum(${counted("minio_s3_requests_rejected_auth_total")})`,
          }),
          { description: "404 for a missing object is normal; 403 and 5xx are not." },
        ),
        timeSeries(
          "p95 time to first byte by API",
          "s",
          of(watcher, {
            "{{api}}": `histogram_quantile(0.95, sum by (api, le) (${counted("minio_s3_requests_ttfb_seconds_distribution", "server, api, le")})) >= 0`,
          }),
        ),
        timeSeries(
          "Requests by bucket",
          "reqps",
          of(watcher, {
            "{{bucket}}":
              "sum by (bucket) (max by (server, bucket, api) " +
              `(rate(minio_bucket_requests_total{${inCluster}, ${bucket}}[$__rate_interval])))`,
          }),
        ),
        timeSeries(
          "Network throughput",
          "Bps",
          of(watcher, {
            in: `sum(${counted("minio_s3_traffic_received_bytes")})`,
            out: `sum(${counted("minio_s3_traffic_sent_bytes")})`,
          }),
        ),
        timeSeries(
          "In-flight requests",
          "short",
          of(watcher, {
            "in progress": `sum(max by (server, api) (minio_s3_requests_inflight_total{${inCluster}}))`,
            waiting: `sum(max by (server) (minio_s3_requests_waiting_total{${inCluster}}))`,
          }),
          { description: "Requests wait if the servers' memory does not allow more concurrent requests." },
        ),
      ],
    },
    {
      title: "Drives and servers",
      collapsed: true,
      panels: [
        timeSeries(
          "Drives by state",
          "short",
          of(watcher, {
            online: whole("minio_cluster_drive_online_total"),
            offline: whole("minio_cluster_drive_offline_total"),
            healing: `sum(max by (pool, set) (minio_cluster_health_erasure_set_healing_drives{${inCluster}}))`,
          }),
          { description: "A drive heals after it returned or was replaced. Reads and writes continue." },
        ),
        timeSeries(
          "Drive latency by call",
          "µs",
          of(watcher, {
            "{{api}}": `max by (api) (minio_node_drive_latency_us{${inCluster}})`,
          }),
          { description: "Slowest drive, average of the last minute." },
        ),
        timeSeries(
          "Drive errors",
          errorsPerSecond,
          of(watcher, {
            "{{server}} {{drive}} unavailable": counted(
              "minio_node_drive_errors_availability",
              "server, drive",
            ),
            "{{server}} {{drive}} timeout": counted("minio_node_drive_errors_timeout", "server, drive"),
            "{{server}} {{drive}} I/O": counted("minio_node_drive_errors_ioerror", "server, drive"),
          }),
        ),
        timeSeries(
          "Drive throughput",
          "Bps",
          of(watcher, {
            "{{server}} read": counted("minio_node_io_read_bytes"),
            "{{server}} written": counted("minio_node_io_write_bytes"),
          }),
        ),
        timeSeries(
          "Drive operations",
          "iops",
          of(watcher, {
            "{{server}} read": counted("minio_node_syscall_read_total"),
            "{{server}} write": counted("minio_node_syscall_write_total"),
          }),
          { description: "Read and write system calls, including sockets." },
        ),
        timeSeries(
          "Free inodes",
          "short",
          of(watcher, {
            "{{server}} {{drive}}": `max by (server, drive) (minio_node_drive_free_inodes{${inCluster}})`,
          }),
          {
            description:
              "Each object needs inodes. Without free inodes, a volume is full whatever its free space.",
          },
        ),
      ],
    },
    podsRow(`namespace="${namespaces.minio}"`),
  ],
};
