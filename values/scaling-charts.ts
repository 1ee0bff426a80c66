/**
 * Values of the charts that scaling needs if the cluster does not have them: metrics-server, KEDA, the Vertical Pod
 * Autoscaler.
 */
import { namespaces, webhookPort } from "../names";
import type { Settings } from "../settings";
import { statelessScheduling } from "./scheduling";
import { mirrored, pullSecrets, resourcePolicy, resources, restrictedContainer, type Values } from "./shared";

const mebibyte = 1024 ** 2;
const small = { cpu: 50, memory: 64 * mebibyte, memoryLimit: 256 * mebibyte };

/** Values of the metrics-server chart: https://github.com/kubernetes-sigs/metrics-server/tree/master/charts/metrics-server */
export const metricsServerValues = (settings: Settings): Values => ({
  fullnameOverride: "metrics-server",
  image: { repository: mirrored(settings, "registry.k8s.io/metrics-server/metrics-server") },
  imagePullSecrets: pullSecrets(settings),
  args: settings.scaling.kubeletCertificates ? [] : ["--kubelet-insecure-tls"],
  resources: resources(small),
  // Autoscaling of the whole cluster depends on it.
  ...statelessScheduling(settings, "metrics-server", "system-cluster-critical"),
});

/** Values of the keda chart: https://github.com/kedacore/charts/tree/main/keda */
export function kedaValues(settings: Settings): Values {
  // The chart selects Linux itself, and would repeat the label.
  const {
    nodeSelector: { "kubernetes.io/os": _, ...nodeSelector },
    ...placed
  } = statelessScheduling(settings, "keda");
  const image = (name: string) => ({
    registry: mirrored(settings, "ghcr.io/kedacore").replace(/\/kedacore$/, ""),
    repository: `kedacore/${name}`,
  });
  const { requests, limits } = resources(small);
  // The chart would also set a CPU limit.
  const each = { requests, limits: { ...limits, cpu: null } };
  return {
    // It belongs to this stack and needs no access to other namespaces.
    watchNamespace: namespaces(settings).alloyMetrics,
    // Deleting a CRD also deletes all ScaledObjects of the cluster.
    crds: { additionalAnnotations: resourcePolicy(settings) },
    clusterDomain: settings.cluster.domain,
    service: { portHttpsTarget: webhookPort },
    webhooks: { port: webhookPort },
    image: {
      pullPolicy: "IfNotPresent",
      keda: image("keda"),
      metricsApiServer: image("keda-metrics-apiserver"),
      webhooks: image("keda-admission-webhooks"),
    },
    imagePullSecrets: pullSecrets(settings),
    ...placed,
    nodeSelector,
    resources: { operator: each, metricServer: each, webhooks: each },
  };
}

/** Values of the vertical-pod-autoscaler chart: https://github.com/kubernetes/autoscaler/tree/master/vertical-pod-autoscaler/charts */
export function verticalPodAutoscalerValues(settings: Settings): Values {
  const placed = statelessScheduling(settings, "vertical-pod-autoscaler");
  const part = (name: string) => ({
    image: { repository: mirrored(settings, `registry.k8s.io/autoscaling/vpa-${name}`) },
    resources: resources(small),
    ...placed,
    replicas: 1,
    // It would prevent the drain of its node.
    podDisruptionBudget: { enabled: false },
  });
  const changes = { enabled: settings.scaling.ingesters === "auto" };
  return {
    imagePullSecrets: pullSecrets(settings),
    // Scheduling of the Jobs that create the webhook's certificate.
    ...(placed.priorityClassName && { priorityClassName: placed.priorityClassName }),
    podSecurityContext: {
      runAsNonRoot: true,
      runAsUser: 65534,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containerSecurityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
    recommender: part("recommender"),
    updater: { ...part("updater"), ...changes },
    admissionController: {
      ...part("admission-controller"),
      ...changes,
      certGen: {
        image: { repository: mirrored(settings, "registry.k8s.io/ingress-nginx/kube-webhook-certgen") },
        resources: resources(small),
        ...placed,
      },
    },
  };
}
