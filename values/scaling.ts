/**
 * Autoscaling of the stack: HorizontalPodAutoscalers of the queriers by CPU, KEDA's ScaledObject of Alloy for metrics
 * by its targets, VerticalPodAutoscalers of the ingesters.
 *
 * The releases do not set the replicas of scaled workloads, so an update never resets the autoscaler's number.
 */
import { gatewayAccess, namespaces, prefixed, releases, type Store, stores, urls } from "../names";
import type { Settings } from "../settings";
import { credentialKeys, datasourceReader } from "./gateway";
import { resources, type Values } from "./shared";

/** A workload with optional autoscaling. */
interface Growing {
  replicas: number;
  maxReplicas: number;
}

/** Whether an autoscaler sets the replicas of a workload. */
export const isScaled = ({ replicas, maxReplicas }: Growing): boolean => maxReplicas > replicas;

/** A workload's replicas in the values of its chart; null if an autoscaler sets them. */
export const releaseReplicas = (workload: Growing): number | null =>
  isScaled(workload) ? null : workload.replicas;

/** An object of the Kubernetes API. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  spec: Values;
}

const replicasOf = ({ replicas, maxReplicas }: Growing) => ({
  minReplicas: replicas,
  maxReplicas,
});

/**
 * Scaling up is fast, scaling down is delayed:
 * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#stabilization-window
 */
const behavior = ({ scaling }: Settings) => ({
  scaleDown: {
    stabilizationWindowSeconds: scaling.calmDown,
    policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
  },
});

/** The queriers' HorizontalPodAutoscalers, by CPU. */
export const horizontalAutoscalers = (settings: Settings): KubernetesObject[] =>
  stores
    .filter((store) => isScaled(settings[store].querier))
    .map((store) => ({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: `${store}-querier`, namespace: namespaces(settings)[store] },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: `${store}-querier` },
        ...replicasOf(settings[store].querier),
        metrics: [
          {
            type: "Resource",
            resource: {
              name: "cpu",
              target: { type: "Utilization", averageUtilization: settings.scaling.cpu },
            },
          },
        ],
        behavior: behavior(settings),
      },
    }));

/**
 * PodDisruptionBudgets of the scaled queriers of Loki and Tempo: their charts create none if the release does not set
 * the replicas. Mimir's chart creates its own.
 */
export const querierBudgets = (settings: Settings): KubernetesObject[] =>
  (["loki", "tempo"] as const)
    .filter((store) => isScaled(settings[store].querier))
    .map((store) => ({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      // Not the chart's name: when a stack enables scaling, the chart's object is deleted while this one is created.
      metadata: { name: `${store}-querier-scaled`, namespace: namespaces(settings)[store] },
      spec: {
        maxUnavailable: 1,
        selector: {
          matchLabels: {
            "app.kubernetes.io/name": store,
            "app.kubernetes.io/instance": releases[store],
            "app.kubernetes.io/component": "querier",
          },
        },
      },
    }));

/** Name of KEDA's credentials for Mimir, which reports the number of targets. */
const kedaAuthentication = "mimir-reader";

/** Alloy for metrics scales with the number of its targets, which is the number of `up` series that it writes. */
export function targetAutoscaler(settings: Settings): KubernetesObject[] {
  const { alloyMetrics } = settings;
  if (!isScaled(alloyMetrics)) return [];
  const metadata = {
    name: prefixed(settings, releases.alloyMetrics),
    namespace: namespaces(settings).alloyMetrics,
  };
  const keys = credentialKeys("mimir", datasourceReader);
  const credential = (parameter: string, key: string) => ({
    parameter,
    name: gatewayAccess.credentialsSecret,
    key,
  });
  return [
    {
      apiVersion: "keda.sh/v1alpha1",
      kind: "TriggerAuthentication",
      metadata: { ...metadata, name: kedaAuthentication },
      spec: {
        secretTargetRef: [credential("username", keys.username), credential("password", keys.password)],
      },
    },
    {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: metadata.name },
        minReplicaCount: alloyMetrics.replicas,
        maxReplicaCount: alloyMetrics.maxReplicas,
        pollingInterval: 30,
        // If Mimir is unavailable, the replicas stay unchanged.
        fallback: { failureThreshold: 3, replicas: alloyMetrics.replicas, behavior: "currentReplicas" },
        advanced: { horizontalPodAutoscalerConfig: { behavior: behavior(settings) } },
        triggers: [
          {
            type: "prometheus",
            metricType: "AverageValue",
            metadata: {
              serverAddress: `${urls(settings).mimir}/prometheus`,
              query: "count(up)",
              // Mimir that receives no samples has no targets either. Without this, they count as 0, and replicas are removed with
              // the samples that they buffer.
              ignoreNullValues: "false",
              threshold: String(alloyMetrics.targetsPerReplica),
              authModes: "basic",
            },
            authenticationRef: { name: kedaAuthentication },
          },
        ],
      },
    },
  ];
}

/**
 * The ingesters' VerticalPodAutoscalers. They never go below the requests of the settings, nor above four times their CPU and twice
 * their memory. They apply CPU only: an ingester's limits of series and streams, its replay and Go's soft limit follow from the memory
 * limit of the settings. It could not use more memory.
 */
export const verticalAutoscalers = (settings: Settings): KubernetesObject[] => {
  const { ingesters } = settings.scaling;
  if (ingesters === "off") return [];
  return stores.map((store: Store) => {
    const { cpu, memory, memoryLimit } = settings[store].ingester;
    const { requests } = resources({ cpu, memory, memoryLimit });
    return {
      apiVersion: "autoscaling.k8s.io/v1",
      kind: "VerticalPodAutoscaler",
      metadata: { name: `${store}-ingester`, namespace: namespaces(settings)[store] },
      spec: {
        targetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: `${store}-ingester` },
        // The PodDisruptionBudget limits evictions to one at a time; a single replica is not evicted.
        updatePolicy: { updateMode: ingesters === "auto" ? "Recreate" : "Off", minReplicas: 2 },
        resourcePolicy: {
          containerPolicies: [
            {
              containerName: "*",
              minAllowed: requests,
              maxAllowed: { cpu: String(Math.ceil((cpu * 4) / 1000)), memory: String(memory * 2) },
              ...(ingesters === "auto" && { controlledResources: ["cpu"] }),
              controlledValues: "RequestsOnly",
            },
          ],
        },
      },
    };
  });
};

/** Whether any workload is scaled by CPU. */
export const needsMetricsServer = (settings: Settings): boolean =>
  stores.some((store) => isScaled(settings[store].querier));
/** Whether Alloy is scaled by its targets. */
export const needsKeda = ({ alloyMetrics }: Settings): boolean => isScaled(alloyMetrics);
/** Whether ingesters are scaled vertically. */
export const needsVerticalPodAutoscaler = ({ scaling }: Settings): boolean => scaling.ingesters !== "off";

/** Whether this stack installs metrics-server. */
export const installsMetricsServer = (settings: Settings): boolean =>
  needsMetricsServer(settings) && settings.scaling.metricsServer !== "existing";
/** Whether this stack installs KEDA. */
export const installsKeda = (settings: Settings): boolean =>
  needsKeda(settings) && settings.scaling.keda !== "existing";
/** Whether this stack installs the Vertical Pod Autoscaler. */
export const installsVerticalPodAutoscaler = (settings: Settings): boolean =>
  needsVerticalPodAutoscaler(settings) && settings.scaling.verticalPodAutoscaler !== "existing";
/** Whether the stack has a namespace for autoscaling components. */
export const hasAutoscaling = (settings: Settings): boolean =>
  installsMetricsServer(settings) || installsKeda(settings) || installsVerticalPodAutoscaler(settings);
