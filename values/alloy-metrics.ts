/** Values of the alloy chart for the collector of metrics. */
import {
  gatewayAccess,
  gatewayUrls,
  gatewayUser,
  logJobs,
  mimirTenants,
  owner,
  ownNamespaces,
  rawWriters,
  releases,
  systemNamespaces,
  tenants,
  writerOf,
} from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import { alloyFile, alloyPipeline, alloyUser, alloyValues } from "./alloy";
import { datasourceReader, gatewayClients, gatewayConnection, passwordFile } from "./gateway";
import { metricNames } from "./kept-metrics";
import { probedCertificates } from "./probed-certificates";
import { alloyGrace } from "./rollout";
import { isScaled } from "./scaling";
import { scheduling } from "./scheduling";
import { anyOf, disruptionBudget, placement, restrictedContainer, type Values } from "./shared";

/** Whether cAdvisor measures containers and Alloy can scrape it; otherwise the kubelet's metrics apply. */
const hasCadvisor = ({ cadvisor }: Settings) =>
  cadvisor.enabled && cadvisor.expose.includes("serviceMonitor");

/**
 * The selector of the rules that Alloy loads into Mimir's ruler, and the user that loads them: rules with a tenant
 * label. For an agent, all rules go to its tenant, and their alerts have its cluster as a label, like external labels
 * of a Prometheus.
 */
const loadedRules = (settings: Settings) =>
  settings.hub
    ? [
        {
          tenant: settings.cluster.name,
          user: gatewayUser(settings.cluster.name, "write"),
          selector: {},
          labels: { cluster: settings.cluster.name },
        },
      ]
    : mimirTenants(settings).map((tenant) => ({
        tenant,
        user: gatewayUser(tenant, "rules"),
        selector: { [owner.ruleTenant]: tenant },
        labels: {},
      }));

/** Environment variables of the pipeline. */
export const alloyMetricsEnvironment = (settings: Settings): Record<string, string> => {
  const { alloyMetrics, cluster, kubePrometheusStack } = settings;
  const system = anyOf(systemNamespaces(settings));
  const { kept, dropped } = metricNames(settings);
  return {
    MIMIR_URL: gatewayUrls(settings).mimir,
    PASSWORDS: gatewayAccess.folder,
    ...gatewayConnection(settings),
    CLUSTER: cluster.name,
    RULES: JSON.stringify(ownNamespaces(settings).matchExpressions),
    WRITERS: JSON.stringify(rawWriters(settings)),
    LOADED_RULES: JSON.stringify(loadedRules(settings)),
    SYSTEM_NAMESPACES: system,
    SYSTEM_SERVICES: `(${system})/.*|default/kubernetes`,
    OMITTED_PATHS: hasCadvisor(settings) ? "/metrics/cadvisor" : anyOf([]),
    KEPT_METRICS: kept,
    DROPPED_METRICS: dropped,
    // Case-insensitive, with optional spaces around it.
    ANNOTATED: alloyMetrics.annotatedPods ? "(?i)\\s*true\\s*" : anyOf([]),
    // Distributions annotate the Service of CoreDNS, whose pods already have a monitor.
    MONITORED_PODS: anyOf(kubePrometheusStack.controlPlane.includes("dns") ? ["kube-system/kube-dns"] : []),
    PLATFORM_NAMESPACES: cluster.platform === "openshift" ? "openshift-.+" : anyOf([]),
    SCRAPE_INTERVAL: goDuration(alloyMetrics.scrapeInterval),
    // Alloy's default timeout, which it rejects if the interval is shorter.
    SCRAPE_TIMEOUT: goDuration(Math.min(10, alloyMetrics.scrapeInterval)),
    SAMPLE_LIMIT: String(alloyMetrics.sampleLimit),
    SAMPLES_PER_SEND: String(alloyMetrics.samplesPerSend),
    SHARDS: String(alloyMetrics.shards),
    BUFFER_AGE: goDuration(alloyMetrics.bufferAge),
    ...(probedCertificates(settings).length > 0 && {
      CERTIFICATES: JSON.stringify(
        probedCertificates(settings).map(({ namespace, address }) => ({
          name: address,
          address,
          module: "tls",
          namespace,
        })),
      ),
    }),
    ...(alloyMetrics.kubernetesEvents && {
      EVENTS_JOB: logJobs.events,
      LOKI_URL: gatewayUrls(settings).loki,
      LOKI_USER: writerOf(tenants.logs, settings),
      LOKI_PASSWORD_FILE: passwordFile(["loki", writerOf(tenants.logs, settings)]),
    }),
  };
};

const read = ["get", "list", "watch"];

/** The pipeline, with Kubernetes events and the expiry of certificates if they are enabled in the settings. */
export const alloyMetricsPipeline = (settings: Settings): string =>
  [
    alloyPipeline("metrics"),
    ...(settings.alloyMetrics.kubernetesEvents ? [alloyFile("metrics/events/events.alloy")] : []),
    ...(probedCertificates(settings).length ? [alloyFile("metrics/certificates/certificates.alloy")] : []),
  ].join("\n");

export function alloyMetricsValues(settings: Settings): Values {
  const { alloyMetrics } = settings;
  return alloyValues(settings, {
    release: releases.alloyMetrics,
    pipeline: alloyMetricsPipeline(settings),
    environment: alloyMetricsEnvironment(settings),
    // Without the reader's password, which is for KEDA.
    clientOf: gatewayClients(settings).alloyMetrics.filter(([, user]) => user !== datasourceReader),
    pod: alloyMetrics,
    alloy: {
      // `foreach`, which loads the rules of each tenant, is an experimental feature of Alloy.
      stabilityLevel: "experimental",
      clustering: { enabled: true },
      securityContext: { ...restrictedContainer, runAsUser: alloyUser, readOnlyRootFilesystem: true },
    },
    controller: {
      type: "statefulset",
      replicas: alloyMetrics.replicas,
      terminationGracePeriodSeconds: alloyGrace,
      autoscaling: { horizontal: { externalHPA: !settings.hub && isScaled(alloyMetrics) } },
      podDisruptionBudget: disruptionBudget(alloyMetrics),
      ...scheduling(settings, "alloy-metrics"),
      ...placement(settings, {
        "app.kubernetes.io/name": "alloy",
        "app.kubernetes.io/instance": releases.alloyMetrics,
      }),
    },
    // Permissions for its targets and the resources that describe them. A monitor that refers to a Secret or a
    // ConfigMap needs a RoleBinding: docs/guides/metrics.md.
    rbac: {
      rules: [
        { apiGroups: [""], resources: ["pods", "services", "endpoints", "namespaces"], verbs: read },
        ...(alloyMetrics.kubernetesEvents ? [{ apiGroups: [""], resources: ["events"], verbs: read }] : []),
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
        // Targets of Probes.
        { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: read },
        {
          apiGroups: ["monitoring.coreos.com"],
          resources: ["servicemonitors", "podmonitors", "probes", "scrapeconfigs", "prometheusrules"],
          verbs: read,
        },
      ],
      clusterRules: [
        // Monitors with `attachMetadata` have no targets before Alloy has listed the nodes.
        { apiGroups: [""], resources: ["nodes"], verbs: read },
        { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
        { nonResourceURLs: ["/metrics"], verbs: ["get"] },
      ],
    },
  });
}
