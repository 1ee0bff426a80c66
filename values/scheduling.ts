/** Scheduling of pods from `cluster.scheduling`, as fields of a pod's spec. */
import type { Settings } from "../settings";
import type { NodeAgent, PlacedComponent } from "../settings/scheduling";

const linux = { "kubernetes.io/os": "linux" };

/** Scheduling fields of a pod. Every chart has these keys, with these names. */
export interface Scheduling {
  nodeSelector: Record<string, string>;
  tolerations: Settings["cluster"]["scheduling"]["tolerations"];
  priorityClassName?: string;
}

/** For pods that the settings do not schedule. */
export const onLinux: Pick<Scheduling, "nodeSelector"> = { nodeSelector: linux };

/** Scheduling of a component's pods. @param priorityClass the default, which the component's own settings override */
export function scheduling(
  { cluster }: Settings,
  component: PlacedComponent,
  priorityClass?: string,
): Scheduling {
  const { components, ...all } = cluster.scheduling;
  const own = components[component] ?? {};
  const priorityClassName = own.priorityClass ?? priorityClass ?? all.priorityClass;
  return {
    nodeSelector: { ...(own.nodeSelector ?? all.nodeSelector), ...linux },
    tolerations: own.tolerations ?? all.tolerations,
    ...(priorityClassName && { priorityClassName }),
  };
}

/** The taints of a lost node. https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions */
const lost = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/**
 * Scheduling of a component's pods without a volume, which start elsewhere soon after their node is lost. Pods of a
 * StatefulSet would only be replaced when their node returns.
 */
export function statelessScheduling(...of: Parameters<typeof scheduling>): Scheduling {
  const placed = scheduling(...of);
  const [{ cluster }] = of;
  const open = lost.filter((taint) => !placed.tolerations.some(({ key }) => key === taint));
  const evicted = open.map((key) => ({
    ...({ key, operator: "Exists", effect: "NoExecute" } as const),
    tolerationSeconds: cluster.scheduling.evictAfter,
  }));
  return { ...placed, tolerations: [...placed.tolerations, ...evicted] };
}

/**
 * Scheduling of DaemonSets: on each Linux node whatever its taints, unless the component's own settings say otherwise.
 */
export function agentScheduling(
  { cluster }: Settings,
  component: NodeAgent,
  priorityClass: string,
): Scheduling {
  const own = cluster.scheduling.components[component] ?? {};
  return {
    nodeSelector: { ...own.nodeSelector, ...linux },
    tolerations: own.tolerations ?? [{ operator: "Exists" }],
    priorityClassName: own.priorityClass ?? priorityClass,
  };
}

/** A node as a candidate of the scheduler. */
export interface Candidate {
  labels: Record<string, string>;
  taints: { key: string; value?: string | undefined; effect: string }[];
}

const tolerates = (
  { key, operator = "Equal", value = "", effect }: Scheduling["tolerations"][number],
  taint: Candidate["taints"][number],
): boolean =>
  (key === undefined || key === taint.key) &&
  (effect === undefined || effect === taint.effect) &&
  (operator === "Exists" || value === (taint.value ?? ""));

/**
 * Whether the scheduler can place such a pod on the node: it has the labels, and no taint that the pod does not
 * tolerate.
 */
export const runsOn = ({ nodeSelector, tolerations }: Scheduling, { labels, taints }: Candidate): boolean =>
  Object.entries(nodeSelector).every(([key, value]) => labels[key] === value) &&
  taints.every(
    (taint) =>
      taint.effect === "PreferNoSchedule" || tolerations.some((toleration) => tolerates(toleration, taint)),
  );
