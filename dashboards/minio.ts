import { bars, clusterVariable, type Dashboard, of, stat, timeSeries, watcher } from "./kit";

const cluster = 'cluster=~"$cluster"';

/** MinIO storage (R12): capacity, objects, requests. */
export const minio: Dashboard = {
  uid: "minio",
  title: "MinIO storage",
  purpose:
    "Is there room, and does object storage answer? Everything that Loki, Mimir and Tempo have to remember ends here: " +
    "when it is full or slow, they all are.",
  tags: ["storage"],
  sources: [watcher],
  variables: [clusterVariable(watcher)],
  next: { "stack-health": "Monitoring stack health", cost: "Cost and cardinality" },
  runbooks: ["MinioFilling"],
  rows: [
    {
      title: "Capacity",
      panels: [
        stat(
          "Used",
          "percentunit",
          of(watcher, {
            used: `1 - sum(max by (server) (minio_node_drive_free_bytes{${cluster}})) / sum(max by (server) (minio_node_drive_total_bytes{${cluster}}))`,
          }),
          {
            thresholds: { yellow: 0.7, red: 0.8 },
            description: "Of all volumes together. At 80 % an alert fires.",
          },
        ),
        bars(
          "Bytes by bucket",
          "bytes",
          of(watcher, { "{{bucket}}": `max by (bucket) (minio_bucket_usage_total_bytes{${cluster}})` }),
        ),
      ],
    },
    {
      title: "Requests",
      panels: [
        timeSeries(
          "Requests by API",
          "reqps",
          of(watcher, {
            "{{api}}": `sum by (api) (rate(minio_s3_requests_total{${cluster}}[$__rate_interval]))`,
          }),
          { width: 12 },
        ),
      ],
    },
  ],
};
