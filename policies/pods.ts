/** Functions to read subjects: the pods that an object creates, and every path in a tree. */
import type { Subject, Tree } from "./rule";

/** A container and its type. */
export interface Container {
  name: string;
  /** Whether it is an init container. */
  init: boolean;
  spec: Tree;
}

/** Kinds whose pods run to completion. */
const ending = ["Job", "CronJob"];
/**
 * Kinds whose pods an operator creates, with the name of the container that the fields of their spec
 * describe.
 */
const operated: Record<string, string> = {
  Prometheus: "prometheus",
  PrometheusAgent: "prometheus",
  ThanosRuler: "thanos-ruler",
  Alertmanager: "alertmanager",
  OpenTelemetryCollector: "otc-container",
};

/** The pod specification of an object; undefined if it creates no pods. */
export function podOf({ kind, object }: Subject): Tree | undefined {
  const { spec } = object;
  if (kind === "Pod") return spec;
  if (kind === "CronJob") return spec?.jobTemplate?.spec?.template?.spec;
  if (["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"].includes(kind))
    return spec?.template?.spec;
  return kind in operated ? operatedPod(kind, spec ?? {}) : undefined;
}

/** The pod that an operator creates, as far as its object specifies it. */
function operatedPod(kind: string, spec: Tree): Tree {
  const { image, resources, env, podSecurityContext } = spec;
  const ofPod = kind === "OpenTelemetryCollector" ? podSecurityContext : spec["securityContext"];
  const ofContainer = kind === "OpenTelemetryCollector" ? spec["securityContext"] : undefined;
  return {
    hostNetwork: spec["hostNetwork"],
    volumes: spec["volumes"],
    automountServiceAccountToken: spec["automountServiceAccountToken"],
    securityContext: ofPod,
    containers: [
      { name: operated[kind], image, resources, env, securityContext: ofContainer },
      // Entries with the name of a container that the operator creates are patches of that container.
      ...((spec["containers"] ?? spec["additionalContainers"] ?? []) as Tree[]),
    ],
    initContainers: spec["initContainers"],
  };
}

/**
 * Whether an operator completes the pods. Probes and the containers' security contexts are then the
 * operator's responsibility.
 */
export const isOperated = ({ kind }: Subject): boolean => kind in operated;

/** Whether its pods run to completion. */
export const ends = ({ kind }: Subject): boolean => ending.includes(kind);

/** All containers of an object's pods. */
export const containersOf = (subject: Subject): Container[] => {
  const pod = podOf(subject);
  const of = (list: unknown, init: boolean) =>
    (Array.isArray(list) ? (list as Tree[]) : []).map((spec) => ({ name: spec["name"], init, spec }));
  return pod ? [...of(pod["containers"], false), ...of(pod["initContainers"], true)] : [];
};

/** A node in a tree. */
export interface Place {
  /** The full path: `loki.compactor.retention_enabled`. */
  path: string;
  /** The last key of the path. */
  key: string;
  value: unknown;
}

export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every node in a tree, parents first. */
export function places(tree: unknown): Place[] {
  const found: Place[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      const here = Array.isArray(node) ? `${path}[${key}]` : path ? `${path}.${key}` : key;
      found.push({ path: here, key, value });
      visit(value, here);
    }
  };
  visit(tree, "");
  return found;
}

/** The value at a path of keys; undefined if there is none. */
export const at = (tree: unknown, ...keys: string[]): unknown =>
  keys.reduce<unknown>((node, key) => (isTree(node) ? node[key] : undefined), tree);

/** Values of a release. */
export const valuesOf = ({ kind, object }: Subject): Tree | undefined =>
  kind === "Release" ? ((object["values"] as Tree | undefined) ?? {}) : undefined;
