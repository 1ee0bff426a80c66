import { namespaces } from "../names";
import {
  bars,
  clusterVariable,
  type Dashboard,
  inCluster,
  of,
  podsRow,
  stat,
  timeSeries,
  watcher,
} from "./kit";

const bucket = 'bucket=~"$bucket"';

/** Of the whole cluster: each server that is asked says the same. */
const whole = (metric: string) => `max(${metric}{${inCluster}})`;
/** Of each bucket: each server that is asked says the same. */
const byBucket = (metric: string) => `max by (bucket) (${metric}{${inCluster}, ${bucket}})`;
/** What servers count, each second; some of the pages that MinIO is asked for repeat the others. */
const counted = (metric: string, by = "server") =>
  `max by (${by}) (rate(${metric}{${inCluster}}[$__rate_interval]))`;
/** The same of all servers, for each API. */
const byApi = (metric: string) => `sum by (api) (${counted(metric, "server, api")})`;
const free = whole("minio_cluster_capacity_usable_free_bytes");
const total = whole("minio_cluster_capacity_usable_total_bytes");
/** Bytes that come in each second, over hours, as compaction takes away now and then. */
const growth = `deriv((${whole("minio_cluster_usage_total_bytes")})[6h:5m])`;

/** MinIO storage (R12): room, buckets, requests, drives. Empty where object storage is not the stack's own. */
export const minio: Dashboard = {
  uid: "minio",
  title: "MinIO storage",
  purpose:
    "Is there room, and does object storage answer? Everything that Loki, Mimir and Tempo have to remember ends here: " +
    "when it is full or slow, they all are.",
  tags: ["storage"],
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
  next: { "stack-health": "Monitoring stack health", cost: "Cost and cardinality" },
  runbooks: ["MinioStorageFilling", "ObjectStorageUnreachable"],
  rows: [
    {
      title: "Capacity",
      panels: [
        stat("Used", "percentunit", of(watcher, { used: `1 - ${free} / ${total}` }), {
          thresholds: { yellow: 0.7, red: 0.8 },
          description: "Of all volumes together. At 80 % an alert fires.",
        }),
        stat("Free", "bytes", of(watcher, { free })),
        stat("Growth a day", "bytes", of(watcher, { growth: `86400 * ${growth}` }), {
          description: "At the pace of the last 6 hours. MinIO counts what it holds every few minutes.",
        }),
        stat("Full in", "s", of(watcher, { time: `${free} / (${growth} > 0)` }), {
          thresholds: { yellow: 30 * 86400, red: 7 * 86400 },
          description: "At that pace. Empty while nothing grows.",
        }),
        stat("Drives offline", "short", of(watcher, { drives: whole("minio_cluster_drive_offline_total") }), {
          thresholds: { yellow: 1, red: 1 },
        }),
        stat(
          "Servers offline",
          "short",
          of(watcher, { servers: whole("minio_cluster_nodes_offline_total") }),
          {
            thresholds: { yellow: 1, red: 1 },
          },
        ),
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
        ),
        timeSeries(
          "Errors by API",
          "reqps",
          of(watcher, {
            "4xx {{api}}": `${byApi("minio_s3_requests_4xx_errors_total")} > 0`,
            "5xx {{api}}": `${byApi("minio_s3_requests_5xx_errors_total")} > 0`,
            "all 5xx": `sum(${counted("minio_s3_requests_5xx_errors_total", "server, api")}) or vector(0)`,
            "rejected credentials": `sum(${counted("minio_s3_requests_rejected_auth_total")})`,
          }),
          { description: "404 for an object that is not there yet is normal; 403 and 5xx are not." },
        ),
        timeSeries(
          "Time to the first byte by API (p95)",
          "s",
          of(watcher, {
            "{{api}}": `histogram_quantile(0.95, sum by (api, le) (${counted("minio_s3_requests_ttfb_seconds_distribution", "server, api, le")}))`,
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
          "Throughput",
          "Bps",
          of(watcher, {
            in: `sum(${counted("minio_s3_traffic_received_bytes")})`,
            out: `sum(${counted("minio_s3_traffic_sent_bytes")})`,
          }),
        ),
        timeSeries(
          "Requests in progress",
          "short",
          of(watcher, {
            "in progress": `sum(max by (server, api) (minio_s3_requests_inflight_total{${inCluster}}))`,
            waiting: `sum(max by (server) (minio_s3_requests_waiting_total{${inCluster}}))`,
          }),
          { description: "Requests wait when there are more than the servers' memory allows." },
        ),
      ],
    },
    {
      title: "Drives and servers",
      panels: [
        timeSeries(
          "Drives",
          "short",
          of(watcher, {
            online: whole("minio_cluster_drive_online_total"),
            offline: whole("minio_cluster_drive_offline_total"),
            healing: `sum(max by (pool, set) (minio_cluster_health_erasure_set_healing_drives{${inCluster}}))`,
          }),
          {
            description: "A drive heals when it came back or was replaced; reads and writes go on meanwhile.",
          },
        ),
        timeSeries(
          "Latency of drives by call",
          "µs",
          of(watcher, {
            "{{api}}": `max by (api) (minio_node_drive_latency_us{${inCluster}})`,
          }),
          { description: "Of the slowest drive, as a mean of the last minute." },
        ),
        timeSeries(
          "Errors of drives",
          "cps",
          of(watcher, {
            "{{server}} {{drive}} not available": counted(
              "minio_node_drive_errors_availability",
              "server, drive",
            ),
            "{{server}} {{drive}} timeout": counted("minio_node_drive_errors_timeout", "server, drive"),
            "{{server}} {{drive}} input or output": counted(
              "minio_node_drive_errors_ioerror",
              "server, drive",
            ),
          }),
        ),
        timeSeries(
          "Bytes to and from drives",
          "Bps",
          of(watcher, {
            "{{server}} read": counted("minio_node_io_read_bytes"),
            "{{server}} written": counted("minio_node_io_write_bytes"),
          }),
        ),
        timeSeries(
          "Calls to drives",
          "iops",
          of(watcher, {
            "{{server}} read": counted("minio_node_syscall_read_total"),
            "{{server}} write": counted("minio_node_syscall_write_total"),
          }),
          { description: "System calls for reading and writing, sockets included." },
        ),
        timeSeries(
          "Free inodes",
          "short",
          of(watcher, {
            "{{server}} {{drive}}": `max by (server, drive) (minio_node_drive_free_inodes{${inCluster}})`,
          }),
          { description: "Each object needs some; without any left, a volume is full although it has room." },
        ),
      ],
    },
    podsRow(`namespace="${namespaces.minio}"`),
  ],
};
