/** The same job by the defaults of charts: this stack's own charts, and two that promise the whole of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ReleaseInputs } from "../cli/lib/render";
import { releases } from "../names";

/**
 * Values without which a chart would do another job than it does here, or not render: its mode, and no second MinIO or
 * Grafana inside of another chart. Replicas, resources and volumes are the chart's own.
 */
const modes: Record<string, Record<string, unknown>> = {
  // The replicas of its distributed-values.yaml; in values.yaml they are 0:
  // https://github.com/grafana-community/helm-charts/blob/main/charts/loki/distributed-values.yaml
  [releases.loki]: {
    deploymentMode: "Distributed",
    loki: { useTestSchema: true, storage: { bucketNames: { chunks: "chunks", ruler: "ruler" } } },
    distributor: { replicas: 3, maxUnavailable: 2 },
    ingester: { replicas: 3 },
    querier: { replicas: 3, maxUnavailable: 2 },
    queryFrontend: { replicas: 2, maxUnavailable: 1 },
    queryScheduler: { replicas: 2 },
    indexGateway: { replicas: 2, maxUnavailable: 1 },
    compactor: { replicas: 1 },
    ...Object.fromEntries(
      ["singleBinary", "read", "write", "backend"].map((name) => [name, { replicas: 0 }]),
    ),
  },
  [releases.mimir]: { minio: { enabled: false } },
  [releases.tempo]: { minio: { enabled: false }, metricsGenerator: { enabled: true } },
  [releases.kubePrometheusStack]: { grafana: { enabled: false } },
  [releases.alloyMetrics]: { controller: { type: "statefulset" } },
  [releases.alloyTraces]: { controller: { type: "deployment" } },
};

/** A release of this stack with its chart's own values. */
export const withDefaults = (release: ReleaseInputs): ReleaseInputs => ({
  ...release,
  values: modes[release.name] ?? {},
});

/** A chart that this stack does not use, for comparison. */
export interface Peer {
  name: string;
  /** What of this stack's job it does. */
  does: string;
  values: Record<string, unknown>;
}

const destination = (type: string) => ({ type, url: "http://example.com" });

/** Charts that people take instead. */
export const peers: Peer[] = [
  {
    name: "lgtm-distributed",
    does: "stores logs, metrics and traces and shows them; collects nothing; has no object storage for logs and traces",
    values: {},
  },
  {
    name: "k8s-monitoring",
    does: "collects logs, metrics and traces; stores and shows nothing",
    // All three signals, with the collectors of its own examples:
    // https://github.com/grafana/k8s-monitoring-helm/tree/main/charts/k8s-monitoring/docs/examples
    values: {
      cluster: { name: "bench" },
      destinations: {
        metrics: destination("prometheus"),
        logs: destination("loki"),
        traces: destination("otlp"),
      },
      clusterMetrics: { enabled: true, collector: "alloy-metrics" },
      hostMetrics: { enabled: true, collector: "alloy-metrics", linuxHosts: { enabled: true } },
      podLogsViaLoki: { enabled: true, collector: "alloy-logs" },
      applicationObservability: {
        enabled: true,
        collector: "alloy-receiver",
        receivers: { otlp: { grpc: { enabled: true }, http: { enabled: true } } },
      },
      collectors: {
        "alloy-metrics": { presets: ["clustered", "statefulset"] },
        "alloy-logs": { presets: ["filesystem-log-reader", "daemonset"] },
        "alloy-receiver": { presets: ["deployment"] },
      },
      telemetryServices: { "kube-state-metrics": { deploy: true }, "node-exporter": { deploy: true } },
    },
  },
];

/** A chart in a folder of charts, as folder or package; undefined if it is missing. */
export function chartIn(folder: string, name: string): { chart: string; version: string } | undefined {
  const manifest = join(folder, name, "Chart.yaml");
  if (existsSync(manifest))
    return { chart: join(folder, name), version: parse(readFileSync(manifest, "utf8")).version };
  const packaged = new RegExp(`^${name}-(\\d.*)\\.tgz$`);
  const file = existsSync(folder) ? readdirSync(folder).find((one) => packaged.test(one)) : undefined;
  return file ? { chart: join(folder, file), version: packaged.exec(file)?.[1] ?? "" } : undefined;
}
