/**
 * Values that a stack adds to a chart, for chart keys without a setting. They are merged last, so `render`, `diff` and
 * the policies include them. Keys that a setting controls are rejected: two sources for one value could contradict each
 * other.
 */
import { z } from "zod";
import { group } from "./fields";
import { isTree, type Tree } from "./tree";

/** Chart keys by release, and the setting that controls each. */
export type Owned = Record<string, string>;

export const names = "nothing: other components use the names and addresses that the product sets";
const gateway = "nothing: the gateway's configuration authenticates clients and sets the tenant";
const storage = "objectStorage.*";
const label = "cluster.gossipLabels";

/** Chart keys of every store component that have a setting, under the component's name in the chart. */
const component = (setting: string, ...keys: string[]): Owned =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const camel = key.replace(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase());
      return ["replicas", "resources", "persistence", "persistentVolume", "allocatedMemory"].map((field) => [
        `${key}.${field}`,
        `${setting}.${camel}`,
      ]);
    }),
  );

const alloy = (setting: string): Owned => ({
  "alloy.configMap": "nothing: the pipeline is part of the product",
  "alloy.resources": `${setting}.cpu, .memory and .memoryLimit`,
  "controller.replicas": `${setting}.replicas`,
});

export const owned = {
  minio: {
    mode: "objectStorage.minio.mode",
    replicas: "objectStorage.minio.servers",
    image: "objectStorage.minio.image",
    persistence: "objectStorage.minio.disk",
    resources: "objectStorage.minio.cpu, .memory and .memoryLimit",
    extraContainers: "nothing: the product sets the server's probes with this key",
    existingSecret: "nothing: the root password is generated",
    extraSecret: "objectStorage.minio.encryptionKey",
    users: "nothing: each store has its own user",
    buckets: "objectStorage.buckets",
    policies: "nothing: each store has its own policy",
  },
  loki: {
    deploymentMode: "nothing: Loki runs in its distributed form",
    "loki.storage": storage,
    "loki.storage_config": storage,
    "loki.schemaConfig": "loki.schema",
    "loki.auth_enabled": gateway,
    "loki.memberlistConfig": label,
    "loki.extraMemberlistConfig.cluster_label": label,
    "loki.extraMemberlistConfig.cluster_label_verification_disabled": label,
    "loki.limits_config.retention_period": "loki.retention",
    "loki.limits_config.retention_stream": "loki.retention",
    "loki.limits_config.ingestion_rate_mb": "loki.ingestionRate",
    "loki.limits_config.ingestion_burst_size_mb": "loki.ingestionBurst",
    "gateway.nginxConfig": gateway,
    ...component("loki", "distributor", "ingester", "querier", "queryFrontend", "compactor"),
    ...component("loki", "queryScheduler", "indexGateway", "gateway", "resultsCache", "chunksCache"),
  },
  mimir: {
    "mimir.structuredConfig.multitenancy_enabled": gateway,
    "mimir.structuredConfig.memberlist.cluster_label": label,
    "mimir.structuredConfig.memberlist.cluster_label_verification_disabled": label,
    "mimir.structuredConfig.common.storage": storage,
    "mimir.structuredConfig.blocks_storage.s3": storage,
    "mimir.structuredConfig.limits.max_global_series_per_user": "mimir.limits.series",
    "mimir.structuredConfig.limits.ingestion_rate": "mimir.limits.samplesPerSecond",
    "mimir.structuredConfig.limits.ingestion_burst_size": "mimir.limits.burst",
    "mimir.structuredConfig.limits.compactor_blocks_retention_period": "mimir.retention",
    "runtimeConfig.overrides": "mimir.tenants",
    extraObjects: "nothing: it contains the Services of the caches",
    "gateway.nginx.config": gateway,
    ...component("mimir", "distributor", "ingester", "querier", "query_frontend", "query_scheduler"),
    ...component("mimir", "store_gateway", "compactor", "ruler", "alertmanager", "gateway"),
    ...component("mimir", "results-cache", "chunks-cache", "index-cache", "metadata-cache"),
  },
  tempo: {
    multitenancyEnabled: gateway,
    "memberlist.cluster_label": label,
    "memberlist.cluster_label_verification_disabled": label,
    "storage.trace": storage,
    per_tenant_overrides: "tempo.tenants",
    "compactor.config.compaction.block_retention": "tempo.retention",
    "gateway.nginxConfig": gateway,
    ...component("tempo", "distributor", "ingester", "querier", "queryFrontend", "compactor"),
    ...component("tempo", "metricsGenerator", "gateway"),
    "memcached.replicas": "tempo.cache.replicas",
    "memcached.resources": "tempo.cache.cpu and .memory",
  },
  "alloy-logs": alloy("alloyLogs"),
  "alloy-metrics": alloy("alloyMetrics"),
  "alloy-traces": alloy("alloyTraces"),
  "opentelemetry-operator": {
    replicaCount: "openTelemetryOperator.operator.replicas",
    "manager.resources": "openTelemetryOperator.operator",
    "admissionWebhooks.certManager": "openTelemetryOperator.certManager",
  },
  kps: {
    "grafana.enabled": "nothing: Grafana is a release of its own",
    "prometheus.prometheusSpec.replicas": "kubePrometheusStack.prometheus.replicas",
    "prometheus.prometheusSpec.retention": "kubePrometheusStack.prometheus.retention",
    "prometheus.prometheusSpec.resources": "kubePrometheusStack.prometheus",
    "prometheus.prometheusSpec.storageSpec": "kubePrometheusStack.prometheus.disk",
    "alertmanager.alertmanagerSpec.replicas": "kubePrometheusStack.alertmanager.replicas",
    "alertmanager.alertmanagerSpec.resources": "kubePrometheusStack.alertmanager",
    "alertmanager.alertmanagerSpec.storage": "kubePrometheusStack.alertmanager.disk",
    "alertmanager.config": "alerting",
    "prometheusOperator.resources": "kubePrometheusStack.operator",
    "kube-state-metrics.metricAnnotationsAllowList": "kubePrometheusStack.kubeStateMetrics.annotations",
    "kube-state-metrics.metricLabelsAllowlist": "kubePrometheusStack.kubeStateMetrics.labels",
    "kube-state-metrics.resources": "kubePrometheusStack.kubeStateMetrics",
    "prometheus-node-exporter.resources": "kubePrometheusStack.nodeExporter",
    "prometheus-node-exporter.service": "kubePrometheusStack.nodeExporter.port",
  },
  grafana: {
    admin: "nothing: the admin password is generated",
    replicas: "grafana.replicas",
    resources: "grafana.cpu, .memory and .memoryLimit",
    persistence: "grafana.disk",
    "grafana.ini.database": "grafana.database",
    "grafana.ini.server.root_url": "grafana.url",
    ingress: "grafana.ingress",
    ldap: "grafana.auth",
  },
  "metrics-server": {},
  keda: {},
  "vertical-pod-autoscaler": {},
} satisfies Record<string, Owned>;

/** Releases whose values a stack may extend. */
export type ExtendedRelease = keyof typeof owned;
export const extendedReleases = Object.keys(owned) as ExtendedRelease[];

const allowed = "a map of chart values";
const release = (name: string) =>
  group({
    values: z
      .custom<Tree>(isTree, { error: () => allowed })
      .meta({ allowed, open: true })
      .describe("Values merged over those of the product; lists replace, null removes a key"),
  })
    .optional()
    .describe(`Release ${name}`);

export const helm = group(
  Object.fromEntries(extendedReleases.map((name) => [name, release(name)])) as Record<
    ExtendedRelease,
    ReturnType<typeof release>
  >,
).describe("Additional chart values, for chart keys that have no setting");
