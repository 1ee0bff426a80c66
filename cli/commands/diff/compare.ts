/** The differences between the objects of a release before and after a change. */
import { isDeepStrictEqual } from "node:util";
import { createTwoFilesPatch } from "diff";
import { valueAt } from "../../../settings/tree";
import type { KubernetesObject } from "../../lib/render";
import { keyOf, nameOf, withoutNoise, withoutRandom, withoutSecrets, yamlOf } from "./objects";

/** An object that differs. */
export interface ObjectReport {
  /** `StatefulSet loki/loki-ingester`. */
  object: string;
  /** `quiet`: only checksums and the chart's own version differ. */
  what: "added" | "removed" | "changed" | "quiet";
  /** Whether its pods restart. */
  restarts: boolean;
  /** Fields that differ and cannot be updated: docs/guides/upgrades.md. */
  immutable: string[];
  /** Unified diff of its YAML without secrets; empty for a quiet change. */
  diff: string;
}

/** A release, or the program's own objects. */
export interface ReleaseReport {
  name: string;
  objects: ObjectReport[];
}

/** Fields that the API server does not change in an existing object. */
const immutable: Record<string, string[]> = {
  Deployment: ["spec.selector"],
  DaemonSet: ["spec.selector"],
  StatefulSet: ["spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"],
  Service: ["spec.clusterIP"],
  PersistentVolumeClaim: ["spec.accessModes", "spec.storageClassName", "spec.volumeMode"],
  RoleBinding: ["roleRef"],
  ClusterRoleBinding: ["roleRef"],
};

/** The immutable fields of an object that differ. */
const immutableChanges = (before: KubernetesObject, after: KubernetesObject): string[] =>
  (immutable[after.kind] ?? []).filter((path) => {
    const keys = path.split(".");
    return !isDeepStrictEqual(valueAt(before, keys), valueAt(after, keys));
  });

const workloads = ["Deployment", "StatefulSet", "DaemonSet"];
/** Kinds from which an operator makes such workloads. */
const operated = ["Prometheus", "Alertmanager"];

/** The part of an object that its pods are made from. */
function podsOf({ kind, spec }: KubernetesObject): unknown {
  if (workloads.includes(kind)) return spec?.template;
  if (!operated.includes(kind)) return undefined;
  const { replicas: _, ...rest } = spec ?? {};
  return rest;
}

/** The hunks between two texts, with three lines of context. */
export function unified(before: string, after: string): string {
  const patch = createTwoFilesPatch("before", "after", before, after, "", "", { context: 3 });
  const start = patch.search(/^@@ /m);
  return start < 0 ? "" : patch.slice(start).trimEnd();
}

/** The report on an object; undefined if it is the same. */
function difference(
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
  object: string,
): ObjectReport | undefined {
  // An equal object may have its keys in another order.
  if (isDeepStrictEqual(before, after)) return undefined;
  if (!before || !after) {
    const whole = (one: KubernetesObject | undefined) => (one ? yamlOf(withoutSecrets(one, one)) : "");
    const diff = unified(whole(before), whole(after));
    return { object, what: after ? "added" : "removed", restarts: false, immutable: [], diff };
  }
  const restarts = !isDeepStrictEqual(podsOf(before), podsOf(after));
  const diff = unified(
    yamlOf(withoutNoise(withoutSecrets(before, before))),
    yamlOf(withoutNoise(withoutSecrets(after, before))),
  );
  const what = diff ? "changed" : "quiet";
  return { object, what, restarts, immutable: immutableChanges(before, after), diff };
}

/**
 * Compares a release's objects.
 *
 * @param again the objects of `after`, rendered once more: values that differ from `after` are random, and left out
 * @param namespace namespace of the objects that name none
 */
export function compare(
  name: string,
  before: KubernetesObject[],
  after: KubernetesObject[],
  again: KubernetesObject[] = after,
  namespace = "",
): ReleaseReport {
  const byKey = (objects: KubernetesObject[]) =>
    new Map(objects.map((object) => [keyOf(object, namespace), object]));
  const [once, twice] = [byKey(after), byKey(again)];
  const settled = (objects: KubernetesObject[]) =>
    new Map(
      [...byKey(objects)].map(([key, object]) => [
        key,
        withoutRandom(object, once.get(key), twice.get(key)) as KubernetesObject,
      ]),
    );
  const [old, fresh] = [settled(before), settled(after)];
  const keys = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return {
    name,
    objects: keys.flatMap((key) => {
      const [was, is] = [old.get(key), fresh.get(key)];
      return difference(was, is, nameOf((is ?? was) as KubernetesObject, namespace)) ?? [];
    }),
  };
}
