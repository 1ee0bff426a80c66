/** Resource requests of rendered objects: cores, memory and volumes of long-running pods. Pure. */
import type { KubernetesObject } from "../cli/lib/render";
import { bytesOf } from "../settings/units";

/** An object, and its namespace if the object names none. */
export interface Placed {
  namespace: string;
  object: KubernetesObject;
}

/** Requested resources. */
export interface Requested {
  pods: number;
  /** Millicores. */
  cpu: number;
  /** Bytes. */
  memory: number;
  /** Bytes of volumes that outlive their pods. */
  volumes: number;
  /** Long-running containers, and the number of them without a CPU or memory request: their usage is in no sum. */
  containers: number;
  unasked: number;
}

type Resources = { requests?: Record<string, unknown> } | undefined;

interface Container {
  resources?: Resources;
  restartPolicy?: string;
}

/** The relevant parts of a pod spec. */
export interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
}

/** Nothing. */
export const nothing: Requested = { pods: 0, cpu: 0, memory: 0, volumes: 0, containers: 0, unasked: 0 };

/** The sum of several. */
export const sumOf = (all: Requested[]): Requested =>
  all.reduce(
    (sum, one) =>
      Object.fromEntries(
        Object.entries(sum).map(([key, value]) => [key, value + one[key as keyof Requested]]),
      ) as unknown as Requested,
    nothing,
  );

/** Millicores of a quantity such as `250m`, `0.5` or `2`. */
export const millicoresOf = (quantity: unknown): number => {
  const text = String(quantity ?? 0);
  return text.endsWith("m") ? Number(text.slice(0, -1)) : Number(text) * 1000;
};

const cpuOf = (resources: Resources) => millicoresOf(resources?.requests?.["cpu"]);
const memoryOf = (resources: Resources) => bytesOf(String(resources?.requests?.["memory"] ?? 0));

/**
 * Requests of one pod, as the scheduler counts them: those of its long-running containers together, or of an init
 * container that requests more
 * (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers).
 */
export function ofPod({ containers = [], initContainers = [] }: PodSpec): Requested {
  const lasting = [
    ...containers,
    ...initContainers.filter(({ restartPolicy }) => restartPolicy === "Always"),
  ];
  const passing = initContainers.filter(({ restartPolicy }) => restartPolicy !== "Always");
  const whole = (of: (resources: Resources) => number) =>
    Math.max(
      lasting.reduce((sum, { resources }) => sum + of(resources), 0),
      ...passing.map(({ resources }) => of(resources)),
    );
  return {
    pods: 1,
    cpu: whole(cpuOf),
    memory: whole(memoryOf),
    volumes: 0,
    containers: lasting.length,
    unasked: lasting.filter(({ resources }) => !(cpuOf(resources) && memoryOf(resources))).length,
  };
}

const times = (count: number, one: Requested): Requested =>
  Object.fromEntries(Object.entries(one).map(([key, value]) => [key, value * count])) as unknown as Requested;

/** The sidecar that Prometheus Operator adds to its pods: its resources are arguments of the operator. */
function reloader(objects: Placed[]): Container {
  const args = objects.flatMap(({ object }) =>
    object.kind === "Deployment"
      ? (object["spec"].template.spec.containers as { args?: string[] }[]).flatMap(
          ({ args: one = [] }) => one,
        )
      : [],
  );
  const argument = (name: string) =>
    args.find((arg) => arg.startsWith(`--config-reloader-${name}-request=`))?.split("=")[1];
  return { resources: { requests: { cpu: argument("cpu"), memory: argument("memory") } } };
}

/** Minimum replicas of a workload's autoscaler; undefined if there is none. */
function scaledTo({ kind, metadata }: KubernetesObject, objects: Placed[]): number | undefined {
  const scaler = objects.find(
    ({ object: { kind: by, spec } }) =>
      (by === "HorizontalPodAutoscaler" || by === "ScaledObject") &&
      (spec.scaleTargetRef.kind ?? "Deployment") === kind &&
      spec.scaleTargetRef.name === metadata.name,
  );
  if (!scaler) return undefined;
  const { minReplicas, minReplicaCount } = scaler.object["spec"];
  return minReplicas ?? minReplicaCount ?? 1;
}

/** Initial number of pods of a workload: its replicas, or the minimum of its autoscaler. */
const replicasOf = (object: KubernetesObject, objects: Placed[]): number =>
  scaledTo(object, objects) ?? object["spec"].replicas ?? 1;

/** Requests of an object's pods; nothing for objects without pods, Jobs and CronJobs. */
function ofObject({ object }: Placed, objects: Placed[], nodes: number): Requested {
  const { kind, spec } = object;
  const plain = () => times(replicasOf(object, objects), ofPod(spec.template.spec));
  const made: Record<string, () => Requested> = {
    Deployment: plain,
    StatefulSet: plain,
    DaemonSet: () => times(nodes, ofPod(spec.template.spec)),
    // Prometheus Operator's own; containers of the same name in `containers` are merged into them.
    Prometheus: () =>
      times(spec.replicas ?? 1, ofPod({ containers: [{ resources: spec.resources }, reloader(objects)] })),
    Alertmanager: () =>
      times(spec.replicas ?? 1, ofPod({ containers: [{ resources: spec.resources }, reloader(objects)] })),
    OpenTelemetryCollector: () =>
      times(spec.mode === "daemonset" ? nodes : (spec.replicas ?? 1), ofPod({ containers: [spec] })),
    // Alloy Operator's: a chart's values as an object.
    Alloy: () =>
      times(
        spec.controller?.type === "daemonset" ? nodes : (spec.controller?.replicas ?? 1),
        ofPod({ containers: [{ resources: spec.alloy?.resources }] }),
      ),
  };
  return made[kind]?.() ?? nothing;
}

const storageOf = (claim: { spec?: { resources?: Resources } }) =>
  bytesOf(String(claim?.spec?.resources?.requests?.["storage"] ?? 0));

/** PVCs by name, so that one which the program created before its StatefulSet counts once. */
function claimsOf({ namespace, object }: Placed, objects: Placed[]): [name: string, bytes: number][] {
  const { kind, metadata, spec } = object;
  const where = metadata.namespace ?? namespace;
  if (kind === "PersistentVolumeClaim") return [[`${where}/${metadata.name}`, storageOf({ spec })]];
  const operated = kind === "Prometheus" || kind === "Alertmanager";
  const templates = operated
    ? [spec.storage?.volumeClaimTemplate].filter(Boolean)
    : kind === "StatefulSet"
      ? (spec.volumeClaimTemplates ?? [])
      : [];
  const replicas = templates.length ? (operated ? (spec.replicas ?? 1) : replicasOf(object, objects)) : 0;
  return templates.flatMap((template: { metadata?: { name?: string }; spec?: { resources?: Resources } }) =>
    Array.from({ length: replicas }, (_, index): [string, number] => [
      `${where}/${template.metadata?.name ?? kind}-${metadata.name}-${index}`,
      storageOf(template),
    ]),
  );
}

/** Requests of all objects together. @param nodes of the cluster, for DaemonSets */
export function requested(objects: Placed[], nodes = 1): Requested {
  const pods = sumOf(objects.map((one) => ofObject(one, objects, nodes)));
  // An existing PVC overrides its StatefulSet's template, in any order.
  const isClaim = ({ object }: Placed) => object.kind === "PersistentVolumeClaim";
  const ordered = [...objects.filter((one) => !isClaim(one)), ...objects.filter(isClaim)];
  const claims = new Map(ordered.flatMap((one) => claimsOf(one, objects)));
  return { ...pods, volumes: [...claims.values()].reduce((sum, bytes) => sum + bytes, 0) };
}
