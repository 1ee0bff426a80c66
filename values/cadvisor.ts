/** cAdvisor's objects. It has no official chart: https://github.com/google/cadvisor/tree/master/deploy/kubernetes */
import { namespaces, owner, releases } from "../names";
import type { Settings } from "../settings";
import { nodeByNode, nodeReader, onEveryNode } from "./node-agents";
import { environment, goMemoryLimit, image, pullSecrets, readingAsRoot, resources } from "./shared";

const labels = { "app.kubernetes.io/name": releases.cadvisor, "app.kubernetes.io/part-of": "observability" };
const selector = { "app.kubernetes.io/name": releases.cadvisor };
const metadata = (settings: Settings) => ({
  name: releases.cadvisor,
  namespace: namespaces(settings).monitoring,
  labels,
});

/** Folders of the node that cAdvisor reads, all mounted read-only. */
const mounts = {
  rootfs: { node: "/", container: "/rootfs" },
  "var-run": { node: "/var/run", container: "/var/run" },
  sys: { node: "/sys", container: "/sys" },
  docker: { node: "/var/lib/docker", container: "/var/lib/docker" },
};

/** Path of a node's socket inside the container: /run is a separate mount. */
const socketPath = (path: string): string =>
  path.replace(/^(\/var)?\/run\/|^\//, (start) =>
    start === "/" ? `${mounts.rootfs.container}/` : `${mounts["var-run"].container}/`,
  );

/** Groups of metrics: CPU, memory and I/O, and OOM kills. Common dashboards do not query the others. */
const metricGroups = ["cpu", "memory", "diskIO", "disk", "network", "oom_event"];

/** Other metrics of these groups, which nothing queries. */
const unasked = [
  "container_memory_(events|file|pg|total|workingset_refault).+",
  "container_memory_(kernel_usage|mapped_file)",
  "container_fs_(io_current|io_time_weighted_seconds_total|.+_merged_total|sector_.+)",
  "container_(creation_time_seconds|health_state)",
];

/** A container's labels from Kubernetes, with their names in the kubelet's metrics. */
const kubernetesLabels = {
  "io.kubernetes.pod.namespace": "namespace",
  "io.kubernetes.pod.name": "pod",
  "io.kubernetes.container.name": "container",
};

/** The DaemonSet. It runs as root, because the node's files belong to root, but without root's capabilities. */
export const cadvisorDaemonSet = (settings: Settings) => {
  const { cadvisor } = settings;
  const { repository, tag } = image(settings, cadvisor.image);
  return {
    metadata: metadata(settings),
    spec: {
      selector: { matchLabels: selector },
      updateStrategy: nodeByNode,
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: releases.cadvisor,
          automountServiceAccountToken: false,
          imagePullSecrets: pullSecrets(settings),
          ...onEveryNode(settings, "cadvisor"),
          containers: [
            {
              name: "cadvisor",
              image: `${repository}:${tag}`,
              args: [
                "--port=8080",
                "--logtostderr",
                `--containerd=${socketPath(cadvisor.containerdSocket)}`,
                "--docker_only",
                `--enable_metrics=${metricGroups.join(",")}`,
                "--store_container_labels=false",
                `--whitelisted_container_labels=${Object.keys(kubernetesLabels).join(",")}`,
                "--housekeeping_interval=15s",
                "--max_housekeeping_interval=30s",
              ],
              env: environment(goMemoryLimit(cadvisor)),
              ports: [{ name: "http", containerPort: 8080 }],
              readinessProbe: { httpGet: { path: "/healthz", port: "http" } },
              livenessProbe: { httpGet: { path: "/healthz", port: "http" }, initialDelaySeconds: 30 },
              resources: resources(cadvisor),
              securityContext: { ...readingAsRoot, ...nodeReader(settings) },
              volumeMounts: Object.entries(mounts).map(([name, { container }]) => ({
                name,
                mountPath: container,
                readOnly: true,
              })),
            },
          ],
          volumes: Object.entries(mounts).map(([name, { node }]) => ({ name, hostPath: { path: node } })),
        },
      },
    },
  };
};

/** Its own ServiceAccount, which has no permissions. */
export const cadvisorServiceAccount = (settings: Settings) => ({
  metadata: metadata(settings),
  automountServiceAccountToken: false,
});

/** The Service inside the cluster, and on a port of every node if that is enabled in the settings. */
export const cadvisorService = (settings: Settings) => {
  const { cadvisor } = settings;
  const open = cadvisor.expose.includes("nodePort");
  return {
    metadata: metadata(settings),
    spec: {
      selector,
      type: open ? "NodePort" : "ClusterIP",
      // A node's port reports only that node, and only if its pod runs.
      ...(open && { externalTrafficPolicy: "Local" }),
      ports: [{ name: "http", port: 8080, targetPort: "http", ...(open && { nodePort: cadvisor.nodePort }) }],
    },
  };
};

/** Only for Alloy: Prometheus scrapes container metrics from the kubelet, and its rules are written for those. */
export const cadvisorMonitor = (settings: Settings) => ({
  metadata: { ...metadata(settings), labels: { ...labels, [owner.scraper]: "alloy" } },
  spec: {
    selector: { matchLabels: selector },
    endpoints: [
      {
        port: "http",
        relabelings: [{ sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "node" }],
        metricRelabelings: [
          // The kubelet's label names, so that one query reads either source. Series without a pod are dropped.
          ...Object.entries(kubernetesLabels).map(([label, name]) => ({
            sourceLabels: [`container_label_${label.replaceAll(".", "_")}`],
            targetLabel: name,
          })),
          { action: "drop", sourceLabels: ["__name__", "pod"], regex: "container_.*;" },
          // A pod's sandbox has its network metrics and nothing else worth storing.
          {
            action: "drop",
            sourceLabels: ["__name__", "container"],
            regex: "container_(cpu|fs|memory|oom|spec|start)_.*;",
          },
          { action: "drop", sourceLabels: ["__name__"], regex: unasked.join("|") },
          { action: "labeldrop", regex: "container_label_.*" },
        ],
      },
    ],
  },
});
