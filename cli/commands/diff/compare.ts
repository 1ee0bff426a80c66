/** The differences between the objects of a release before and after a change. */
import { isDeepStrictEqual } from "node:util";
import { createTwoFilesPatch } from "diff";
import { valueAt } from "../../../settings/tree";
import type { KubernetesObject } from "../../lib/render";
import { keyOf, nameOf, withoutNoise, withoutRandom, withoutSecrets, yamlOf } from "./objects";

/** An object that differs. */
export type ObjectReport = NonNullable<ReturnType<typeof difference>>;

/** A release, or the program's own objects. */
export type ReleaseReport = ReturnType<typeof compare>;

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

/** The immutable fields of an object that differ: docs/guides/upgrades.md. */
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

/** The report on an object, with the unified diff of its YAML without secrets; undefined if it is the same. */
function difference(
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
  object: string,
) {
  // An equal object may have its keys in another order.
  if (isDeepStrictEqual(before, after)) return undefined;
  if (!before || !after) {
    const whole = (one: KubernetesObject | undefined) => (one ? yamlOf(withoutSecrets(one, one)) : "");
    const diff = unified(whole(before), whole(after));
    const what: "added" | "removed" = after ? "added" : "removed";
    return { object, what, restarts: false, immutable: [], diff };
  }
  const restarts = !isDeepStrictEqual(podsOf(before), podsOf(after));
  const diff = unified(
    yamlOf(withoutNoise(withoutSecrets(before, before))),
    yamlOf(withoutNoise(withoutSecrets(after, before))),
  );
  // Quiet: only checksums and the chart's own version differ.
  const what: "changed" | "quiet" = diff ? "changed" : "quiet";
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
) {
  const byKey = (objects: KubernetesObject[]) =>
    new Map(objects.map((object) => [keyOf(object, namespace), object]));
  const [old, fresh, twice] = [byKey(before), byKey(after), byKey(again)];
  const keys = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return {
    name,
    objects: keys.flatMap((key) => {
      const [was, is] = [old.get(key), fresh.get(key)].map(
        (one) => one && (withoutRandom(one, fresh.get(key), twice.get(key)) as KubernetesObject),
      );
      return difference(was, is, nameOf((is ?? was) as KubernetesObject, namespace)) ?? [];
    }),
  };
}
