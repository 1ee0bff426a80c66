/** Reading subjects: the pods that an object makes, and every place in a tree. */
import type { Subject, Tree } from "./rule";

/** A container with what kind it is of. */
export interface Container {
  name: string;
  /** Whether it runs and ends before the others. */
  init: boolean;
  spec: Tree;
}

/** Kinds whose pods end by themselves. */
const ending = ["Job", "CronJob"];
/** Kinds that an operator makes pods of, with the name of the container that the fields of their spec describe. */
const operated: Record<string, string> = {
  Prometheus: "prometheus",
  Alertmanager: "alertmanager",
  OpenTelemetryCollector: "otc-container",
};

/** The specification of the pods that an object makes; undefined where it makes none. */
export function podOf({ kind, object }: Subject): Tree | undefined {
  const { spec } = object;
  if (kind === "Pod") return spec;
  if (kind === "CronJob") return spec?.jobTemplate?.spec?.template?.spec;
  if (["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"].includes(kind))
    return spec?.template?.spec;
  return kind in operated ? operatedPod(kind, spec ?? {}) : undefined;
}

/** The pod that an operator makes, as far as its object says. */
function operatedPod(kind: string, spec: Tree): Tree {
  const { image, resources, podSecurityContext } = spec;
  const ofPod = kind === "OpenTelemetryCollector" ? podSecurityContext : spec["securityContext"];
  const ofContainer = kind === "OpenTelemetryCollector" ? spec["securityContext"] : undefined;
  return {
    hostNetwork: spec["hostNetwork"],
    volumes: spec["volumes"],
    automountServiceAccountToken: spec["automountServiceAccountToken"],
    securityContext: ofPod,
    containers: [{ name: operated[kind], image, resources, securityContext: ofContainer }],
  };
}

/** Whether an operator completes the pods: probes and the containers' own security are its business. */
export const isOperated = ({ kind }: Subject): boolean => kind in operated;

/** Whether its pods end by themselves. */
export const ends = ({ kind }: Subject): boolean => ending.includes(kind);

/** All containers of an object's pods. */
export const containersOf = (subject: Subject): Container[] => {
  const pod = podOf(subject);
  const of = (list: unknown, init: boolean) =>
    (Array.isArray(list) ? (list as Tree[]) : []).map((spec) => ({ name: spec["name"], init, spec }));
  return pod ? [...of(pod["containers"], false), ...of(pod["initContainers"], true)] : [];
};

/** A place in a tree. */
export interface Place {
  /** The way to it: `loki.compactor.retention_enabled`. */
  path: string;
  /** The last step of it. */
  key: string;
  value: unknown;
}

export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every place in a tree, outer ones first. */
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
