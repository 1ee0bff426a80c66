/** Values of the charts that scaling needs where the cluster has them not: metrics-server, KEDA, the Vertical Pod Autoscaler. */
import { namespaces } from "../names";
import type { Settings } from "../settings";
import { mirrored, pullSecrets, resources, restrictedContainer, type Values } from "./shared";

const mebibyte = 1024 ** 2;
const small = { cpu: 50, memory: 64 * mebibyte, memoryLimit: 256 * mebibyte };

/** Values of the metrics-server chart: https://github.com/kubernetes-sigs/metrics-server/tree/master/charts/metrics-server */
export const metricsServerValues = (settings: Settings): Values => ({
  fullnameOverride: "metrics-server",
  image: { repository: mirrored(settings, "registry.k8s.io/metrics-server/metrics-server") },
  imagePullSecrets: pullSecrets(settings),
  args: settings.scaling.kubeletCertificates ? [] : ["--kubelet-insecure-tls"],
  resources: resources(small),
});

/** Values of the keda chart: https://github.com/kedacore/charts/tree/main/keda */
export function kedaValues(settings: Settings): Values {
  const image = (name: string) => ({
    registry: mirrored(settings, "ghcr.io/kedacore").replace(/\/kedacore$/, ""),
    repository: `kedacore/${name}`,
  });
  const { requests, limits } = resources(small);
  // The chart would limit CPU, too.
  const each = { requests, limits: { ...limits, cpu: null } };
  return {
    // It is this stack's: of other namespaces it needs to know nothing.
    watchNamespace: namespaces.alloyMetrics,
    image: {
      pullPolicy: "IfNotPresent",
      keda: image("keda"),
      metricsApiServer: image("keda-metrics-apiserver"),
      webhooks: image("keda-admission-webhooks"),
    },
    imagePullSecrets: pullSecrets(settings),
    resources: { operator: each, metricServer: each, webhooks: each },
  };
}

/** Values of the vertical-pod-autoscaler chart: https://github.com/kubernetes/autoscaler/tree/master/vertical-pod-autoscaler/charts */
export function verticalPodAutoscalerValues(settings: Settings): Values {
  const part = (name: string) => ({
    image: { repository: mirrored(settings, `registry.k8s.io/autoscaling/vpa-${name}`) },
    resources: resources(small),
    replicas: 1,
    // It would keep a node from being drained.
    podDisruptionBudget: { enabled: false },
  });
  const changes = { enabled: settings.scaling.ingesters === "auto" };
  return {
    imagePullSecrets: pullSecrets(settings),
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
      },
    },
  };
}
