/** Values of the kube-prometheus-stack chart: https://github.com/prometheus-community/helm-charts/tree/main/charts/kube-prometheus-stack */
import {
  alertmanagerSecret,
  folderAnnotation,
  namespaces,
  owner,
  ownNamespaces,
  prefixed,
  releases,
} from "../names";
import type { Settings } from "../settings";
import { nodeByNode, nodeReader, onEveryNode, virtualNodes } from "./node-agents";
import { privateCas } from "./outside";
import { prometheusSpec, spread, volume } from "./prometheus";
import { scheduling, statelessScheduling } from "./scheduling";
import { goMemoryLimit, overZones, pullSecrets, resourcePolicy, resources, type Values } from "./shared";

type Part = Settings["kubePrometheusStack"]["controlPlane"][number];

/** Each part of the control plane: the chart's key of its monitor, and the rule groups that need its metrics. */
const controlPlane: Record<Part, { monitor: string; rules: string[] }> = {
  apiServer: {
    monitor: "kubeApiServer",
    rules: [
      "kubeApiserverAvailability",
      "kubeApiserverBurnrate",
      "kubeApiserverHistogram",
      "kubeApiserverSlos",
    ],
  },
  controllerManager: { monitor: "kubeControllerManager", rules: ["kubeControllerManager"] },
  scheduler: { monitor: "kubeScheduler", rules: ["kubeSchedulerAlerting", "kubeSchedulerRecording"] },
  etcd: { monitor: "kubeEtcd", rules: ["etcd"] },
  proxy: { monitor: "kubeProxy", rules: ["kubeProxy"] },
  dns: { monitor: "coreDns", rules: [] },
};

/**
 * Kinds of objects that kube-state-metrics exports: the chart's list without Secrets and ConfigMaps, so that it needs
 * no permission to read them.
 */
const collectors = [
  "certificatesigningrequests",
  "cronjobs",
  "daemonsets",
  "deployments",
  "endpointslices",
  "horizontalpodautoscalers",
  "ingresses",
  "jobs",
  "leases",
  "limitranges",
  "mutatingwebhookconfigurations",
  "namespaces",
  "networkpolicies",
  "nodes",
  "persistentvolumeclaims",
  "persistentvolumes",
  "poddisruptionbudgets",
  "pods",
  "replicasets",
  "replicationcontrollers",
  "resourcequotas",
  "services",
  "statefulsets",
  "storageclasses",
  "validatingwebhookconfigurations",
  "volumeattachments",
];

/** Values of the prometheus-operator-crds chart. Deleting a CRD also deletes all monitors and rules of the cluster. */
export const prometheusCrdsValues = (settings: Settings): Values => ({
  crds: { annotations: resourcePolicy(settings) },
});

/**
 * Container metrics of the kubelet that are dropped: the chart's list without limits (container_spec_*), swap and the
 * kinds of CPU time, which community dashboards query.
 */
const containerDrops = [
  ...[
    "container_fs_(io_current|io_time_seconds_total|io_time_weighted_seconds_total|reads_merged_total|sector_reads_total|sector_writes_total|writes_merged_total)",
    "container_(file_descriptors|tasks_state|threads_max)",
  ].map((regex) => ({ sourceLabels: ["__name__"], action: "drop", regex })),
  { sourceLabels: ["__name__", "scope"], action: "drop", regex: "container_memory_failures_total;hierarchy" },
  {
    sourceLabels: ["__name__", "interface"],
    action: "drop",
    regex: "container_network_.*;(cali|cilium|cni|lxc|nodelocaldns|tunl).*",
  },
  // Control groups that belong to no pod.
  { sourceLabels: ["id", "pod"], action: "drop", regex: ".+;" },
];

/** The chart's own rules: buckets between those of its recording rules. */
const kubeletDrops = {
  sourceLabels: ["__name__", "le"],
  action: "drop",
  regex: "(csi_operations|storage_operation_duration)_seconds_bucket;(0.25|2.5|15|25|120|600)(\\.0)?",
};
const apiServerDrops = {
  sourceLabels: ["__name__", "le"],
  action: "drop",
  regex:
    "(etcd_request|apiserver_request_slo|apiserver_request_sli|apiserver_request)_duration_seconds_bucket;(0\\.15|0\\.2|0\\.3|0\\.35|0\\.4|0\\.45|0\\.6|0\\.7|0\\.8|0\\.9|1\\.25|1\\.5|1\\.75|2|3|3\\.5|4|4\\.5|6|7|8|9|15|20|40|45|50)(\\.0)?",
};

/**
 * Series of other components, which are scraped there: k3s serves those of all its components at each of its endpoints.
 * https://github.com/k3s-io/k3s/issues/12917
 */
export const seriesOfOthers = {
  apiServer: "(kubelet|kubeproxy|prober|scheduler)_.+",
  kubelet: "(aggregator|apiextensions|apiserver|etcd|kine|kubeproxy|scheduler)_.+",
} as const;
const withoutOthers = (component: keyof typeof seriesOfOthers) => ({
  sourceLabels: ["__name__"],
  action: "drop",
  regex: seriesOfOthers[component],
});

const off = { enabled: false };

/**
 * Makes this stack's operator the only one that manages its Prometheus and Alertmanager. Another operator of the
 * cluster that watches all namespaces would change their pods, too:
 * https://prometheus-operator.dev/docs/platform/troubleshooting/
 */
const controllerId = (settings: Settings) => namespaces(settings).monitoring;
const managed = (settings: Settings) => ({
  annotations: { "operator.prometheus.io/controller-id": controllerId(settings) },
});

/** Prometheus, which evaluates rules, and the Alertmanager that sends its alerts. */
function evaluation(settings: Settings): Values {
  const { kubePrometheusStack: kps } = settings;
  const trusted = privateCas(settings);
  const disruptionBudget = ({ replicas }: { replicas: number }) =>
    replicas > 1 ? { enabled: true, minAvailable: null, maxUnavailable: 1 } : off;
  return {
    prometheus: {
      ...managed(settings),
      podDisruptionBudget: disruptionBudget(kps.prometheus),
      prometheusSpec: prometheusSpec(settings),
    },
    alertmanager: {
      ...managed(settings),
      podDisruptionBudget: disruptionBudget(kps.alertmanager),
      alertmanagerSpec: {
        replicas: kps.alertmanager.replicas,
        resources: resources(kps.alertmanager),
        ...scheduling(settings, "kps"),
        podAntiAffinity: spread(settings),
        topologySpreadConstraints: overZones(
          settings,
          { "app.kubernetes.io/name": "alertmanager" },
          "quorum",
        ),
        storage: volume(settings, kps.alertmanager.disk),
        // This stack creates the Secret, which contains the receivers.
        useExistingSecret: true,
        configSecret: alertmanagerSecret,
        automountServiceAccountToken: false,
        ...(trusted.volumes.length && { volumes: trusted.volumes, volumeMounts: trusted.mounts }),
        // AlertmanagerConfigs of all namespaces are merged into it; each routes only the alerts of its own namespace.
        alertmanagerConfigSelector: {},
        alertmanagerConfigNamespaceSelector: ownNamespaces(settings),
      },
    },
  };
}

/**
 * A sample limit for targets whose series grow with the cluster; 0 would be the limit of applications. It is a text
 * because Helm writes large numbers as `1e+07`.
 */
const anyNumber = "10000000";

export function kubePrometheusStackValues(settings: Settings): Values {
  const { hub, images, kubePrometheusStack: kps } = settings;
  const parts = Object.entries(controlPlane) as [Part, (typeof controlPlane)[Part]][];
  const seen = (part: Part) => kps.controlPlane.includes(part);
  const placed = statelessScheduling(settings, "kps");
  const reloader = { cpu: 5, memory: 16 * 1024 ** 2, memoryLimit: 64 * 1024 ** 2 };
  return {
    fullnameOverride: prefixed(settings, releases.kubePrometheusStack),
    // Monitors of the control plane select Services in kube-system by this name.
    ...(settings.namespaces.prefix && { nameOverride: prefixed(settings, "kube-prometheus-stack") }),
    global: {
      ...(images.registry && { imageRegistry: images.registry }),
      imagePullSecrets: pullSecrets(settings),
    },
    crds: off, // separate release: Helm never upgrades CRDs inside a chart
    defaultRules: {
      rules: {
        ...Object.fromEntries(
          parts.flatMap(([part, { rules }]) => rules.map((rule) => [rule, seen(part)] as const)),
        ),
        windows: false,
        ...(hub && { alertmanager: false, prometheus: false }),
      },
      // The hub's dead man's switch expects only the hub's alert.
      ...(hub && { disabled: { Watchdog: true } }),
    },
    ...Object.fromEntries(parts.map(([part, { monitor }]) => [monitor, { enabled: seen(part) }])),
    kubeApiServer: {
      enabled: seen("apiServer"),
      serviceMonitor: {
        sampleLimit: anyNumber,
        metricRelabelings: [apiServerDrops, withoutOthers("apiServer")],
      },
    },
    kubelet: {
      namespace: namespaces(settings).monitoring,
      serviceMonitor: {
        sampleLimit: anyNumber,
        // The same interval as every other target, instead of the chart's 10 s.
        cAdvisorInterval: "",
        metricRelabelings: [kubeletDrops, withoutOthers("kubelet")],
        cAdvisorMetricRelabelings: containerDrops,
      },
    },
    prometheusOperator: {
      extraArgs: [`--controller-id=${controllerId(settings)}`],
      // Other Prometheus instances in the cluster have their own operator.
      prometheusInstanceNamespaces: [namespaces(settings).monitoring],
      alertmanagerInstanceNamespaces: [namespaces(settings).monitoring],
      thanosRulerInstanceNamespaces: [namespaces(settings).monitoring],
      resources: resources(kps.operator),
      ...placed,
      env: goMemoryLimit(kps.operator),
      admissionWebhooks: kps.admissionWebhook
        ? { enabled: true, patch: { resources: resources(reloader), ...placed } }
        : off,
      tls: { enabled: kps.admissionWebhook },
      // Its certificate is in a Secret, which Alloy must not read.
      serviceMonitor: { additionalLabels: { [owner.scraper]: "prometheus" } },
      // Both scrapers use EndpointSlices; the older Endpoints are deprecated.
      kubeletEndpointsEnabled: false,
      // The operator creates this Service and never deletes it: in a namespace of the stack it is deleted with the
      // namespace. Virtual nodes have no kubelet that can be scraped.
      kubeletService: {
        namespace: namespaces(settings).monitoring,
        selector: virtualNodes.map(({ key, value }) => `${key}!=${value}`).join(","),
      },
      kubeletEndpointSliceEnabled: true,
      prometheusConfigReloader: { resources: resources(reloader) },
    },
    // In an agent, Alloy scrapes, and the hub evaluates the rules.
    ...(hub ? { prometheus: off, alertmanager: off } : evaluation(settings)),
    "kube-state-metrics": {
      // Others have a ClusterRole called kube-state-metrics, such as OpenShift.
      fullnameOverride: prefixed(settings, "kps-kube-state-metrics"),
      collectors,
      resources: resources(kps.kubeStateMetrics),
      // It fails while the API server does not respond. A restart does not fix that: it stops all kube_* metrics, and lists every
      // object again.
      livenessProbe: { failureThreshold: 30 },
      prometheus: { monitor: { sampleLimit: anyNumber } },
      metricLabelsAllowlist: kps.kubeStateMetrics.labels,
      metricAnnotationsAllowList: kps.kubeStateMetrics.annotations,
      ...placed,
    },
    "prometheus-node-exporter": {
      fullnameOverride: "node-exporter",
      resources: resources(kps.nodeExporter),
      ...onEveryNode(settings, "node-exporter"),
      updateStrategy: nodeByNode,
      service: {
        port: kps.nodeExporter.port,
        targetPort: kps.nodeExporter.port,
        // It has a monitor; with the chart's annotation it would be scraped twice.
        annotations: { "prometheus.io/scrape": "false" },
      },
      // It reads the node's files as an unprivileged user and needs no capabilities.
      containerSecurityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
        ...nodeReader(settings),
      },
    },
    // The stack's own Grafana shows the dashboards; it finds them in ConfigMaps.
    grafana: {
      enabled: false,
      forceDeployDashboards: !hub,
      forceDeployDatasources: false,
      sidecar: {
        dashboards: {
          annotations: { [folderAnnotation]: "Kubernetes" },
          // Shows the variable `cluster`: otherwise, the data of Mimir is that of the first cluster by name.
          ...(Object.keys(settings.agents).length > 0 && { multicluster: { global: { enabled: true } } }),
        },
      },
    },
  };
}
