/** The `spec` of kube-prometheus-stack's Prometheus. https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusSpec */
import { gatewayAccess, gatewayUser, owner, ownNamespaces, tenants, urls } from "../names";
import type { Settings } from "../settings";
import { goDuration, quantity } from "../settings/units";
import { credentialKeys } from "./gateway";
import { scrapeClasses } from "./kept-metrics";
import { scheduling } from "./scheduling";
import { overZones, requiresSeparateNodes, resources, type Values } from "./shared";

/** A volume for each replica, in the format of the operator's resources. */
export const volume = ({ cluster }: Settings, disk: number) => ({
  volumeClaimTemplate: {
    spec: {
      accessModes: ["ReadWriteOnce"],
      ...(cluster.storageClass && { storageClassName: cluster.storageClass }),
      resources: { requests: { storage: quantity(disk) } },
    },
  },
});

/** `cluster.antiAffinity` for Prometheus and Alertmanager, in the chart's terms. */
export const spread = (settings: Settings) =>
  settings.cluster.antiAffinity === "none" ? "" : requiresSeparateNodes(settings, "quorum") ? "hard" : "soft";

/** Credentials of Prometheus for Mimir: keys of a Secret in its namespace. */
function mimirCredentials(): Values {
  const keys = credentialKeys("mimir", gatewayUser(tenants.prometheus, "write"));
  const key = (key: string) => ({ name: gatewayAccess.credentialsSecret, key });
  return { username: key(keys.username), password: key(keys.password) };
}

/** `prometheusSpec` of the chart. */
export function prometheusSpec(settings: Settings): Values {
  const { cluster, alloyMetrics } = settings;
  const { prometheus } = settings.kubePrometheusStack;
  // From all namespaces and without a label of the stack, so that users' monitors and rules work unchanged.
  const notAlloys = { matchExpressions: [{ key: owner.scraper, operator: "NotIn", values: ["alloy"] }] };
  return {
    replicas: prometheus.replicas,
    resources: resources(prometheus),
    ...scheduling(settings, "kps"),
    podAntiAffinity: spread(settings),
    topologySpreadConstraints: overZones(settings, { "app.kubernetes.io/name": "prometheus" }, "quorum"),
    retention: goDuration(prometheus.retention),
    // A full volume would stop it, so the oldest blocks are deleted early.
    retentionSize: `${Math.floor((prometheus.disk * 0.85) / 1024 ** 2)}MB`,
    storageSpec: volume(settings, prometheus.disk),
    terminationGracePeriodSeconds: prometheus.shutdown,
    scrapeInterval: goDuration(prometheus.scrapeInterval),
    scrapeClasses: scrapeClasses(settings),
    serviceDiscoveryRole: "EndpointSlice",
    // A monitor may set its own limit.
    sampleLimit: String(alloyMetrics.sampleLimit),
    enableFeatures: ["exemplar-storage"],
    // A histogram that a target exposes in both formats is stored in both, as in Alloy.
    scrapeNativeHistograms: true,
    scrapeClassicHistograms: true,
    externalLabels: { cluster: cluster.name },
    // With these two labels Mimir recognizes the replicas of one Prometheus and accepts the samples of one of them.
    replicaExternalLabelName: "__replica__",
    prometheusExternalLabelNameClear: true,
    remoteWrite: [
      {
        name: "mimir",
        url: `${urls(settings).mimir}/api/v1/push`,
        basicAuth: mimirCredentials(),
        sendExemplars: true,
        sendNativeHistograms: true,
        queueConfig: {
          maxSamplesPerSend: alloyMetrics.samplesPerSend,
          // A change of the number drops what is not sent within a minute.
          minShards: alloyMetrics.shards,
          maxShards: alloyMetrics.shards,
          batchSendDeadline: "1s",
          retryOnRateLimit: true,
        },
      },
    ],
    ruleNamespaceSelector: ownNamespaces(settings),
    serviceMonitorNamespaceSelector: ownNamespaces(settings),
    podMonitorNamespaceSelector: ownNamespaces(settings),
    probeNamespaceSelector: ownNamespaces(settings),
    scrapeConfigNamespaceSelector: ownNamespaces(settings),
    serviceMonitorSelector: notAlloys,
    podMonitorSelector: notAlloys,
    probeSelectorNilUsesHelmValues: false,
    scrapeConfigSelectorNilUsesHelmValues: false,
    // Mimir's ruler evaluates rules with a tenant label, Prometheus all others.
    ruleSelector: { matchExpressions: [{ key: owner.ruleTenant, operator: "DoesNotExist" }] },
  };
}
