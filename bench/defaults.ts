/** The same purpose with chart defaults: this stack's own charts, and two alternatives for the whole stack. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ReleaseInputs } from "../cli/lib/render";
import { releases } from "../names";

/**
 * Values without which a chart would have another purpose than here, or could not be rendered: its mode, and no second
 * MinIO or Grafana inside another chart. Replicas, resources and volumes are the chart's own.
 */
const modes: Record<string, Record<string, unknown>> = {
  // The replicas in its distributed-values.yaml; in values.yaml they are 0:
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
  /** The part of this stack's purpose that it covers. */
  does: string;
  values: Record<string, unknown>;
}

const destination = (type: string) => ({ type, url: "http://example.com" });

/** Alternative charts. */
export const peers: Peer[] = [
  {
    name: "lgtm-distributed",
    does: "stores and shows logs, metrics and traces; has no collectors, and no object storage for logs and traces",
    values: {},
  },
  {
    name: "k8s-monitoring",
    does: "collects logs, metrics and traces; has no stores and no Grafana",
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
