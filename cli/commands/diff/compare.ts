/** What differs between a release's objects before and after, as a reviewer needs it. */
import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import type { KubernetesObject } from "../../lib/render";
import { type Difference, differences } from "../upgrade/immutable";
import { maskObject, newMask } from "./mask";
import { keyOf, nameOf, shown, withoutNoise, withoutRandom } from "./objects";

/** An object that is not the same on both sides. */
export interface Change {
  /** `StatefulSet loki/loki-ingester`. */
  object: string;
  /** `quiet`: nothing differs but checksums and the chart's own version. */
  what: "added" | "removed" | "changed" | "quiet";
  /** Whether its pods are made anew. */
  restarts: boolean;
  /** The object as YAML without secrets; empty where it is not there, left out where it is quiet. */
  before?: string;
  after?: string;
}

/** A release, or the program's own objects. */
export interface Group {
  /** Name of the release; `objects` and `minio` for what the program registers itself. */
  name: string;
  changes: Change[];
  /** Fields that cannot change in an object that is there, and yet differ. */
  immutable: Difference[];
}

const workloads = ["Deployment", "StatefulSet", "DaemonSet"];
/** What an operator makes such workloads from. */
const operated = ["Prometheus", "Alertmanager"];

/** What pods are made from; a difference makes them anew. */
function podsOf({ kind, spec }: KubernetesObject): unknown {
  if (workloads.includes(kind)) return spec?.template;
  if (!operated.includes(kind)) return undefined;
  const { replicas: _, ...rest } = spec ?? {};
  return rest;
}

const toText = (object: KubernetesObject): string =>
  stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });

const byKey = (objects: KubernetesObject[], namespace: string): Map<string, KubernetesObject> =>
  new Map(objects.map((object) => [keyOf(object, namespace), object]));

/**
 * Compares a release's objects.
 *
 * @param again the objects of `after`, rendered once more: what differs from `after` there is random and is not told
 * @param namespace where objects lie that name none
 */
export function compare(
  name: string,
  before: KubernetesObject[],
  after: KubernetesObject[],
  again: KubernetesObject[] = after,
  namespace = "",
): Group {
  const twice = byKey(again, namespace);
  const sides = [before, after].map((objects) => {
    const [once, settled] = [byKey(after, namespace), new Map<string, KubernetesObject>()];
    for (const [key, object] of byKey(objects, namespace))
      settled.set(key, withoutRandom(object, once.get(key), twice.get(key)) as KubernetesObject);
    return settled;
  }) as [Map<string, KubernetesObject>, Map<string, KubernetesObject>];
  const [old, fresh] = sides;
  const keys = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return {
    name,
    changes: keys.flatMap((key) => change(old.get(key), fresh.get(key), namespace)),
    immutable: differences([...old.values()], [...fresh.values()], namespace).map(masked),
  };
}

function change(
  before: KubernetesObject | undefined,
  after: KubernetesObject | undefined,
  namespace: string,
): Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  const either = (after ?? before) as KubernetesObject;
  const object = nameOf(either, namespace);
  // One mask for both sides: a secret that changed gets another number.
  const mask = newMask();
  const text = (one: KubernetesObject | undefined, quietly: boolean): string => {
    if (!one) return "";
    const whole = maskObject(shown(one) as KubernetesObject, mask);
    return toText((quietly ? withoutNoise(whole) : whole) as KubernetesObject);
  };
  if (!before || !after)
    return [
      {
        object,
        what: after ? "added" : "removed",
        restarts: false,
        before: text(before, false),
        after: text(after, false),
      },
    ];
  const restarts = !isDeepStrictEqual(podsOf(before), podsOf(after));
  const [was, is] = [text(before, true), text(after, true)];
  // The order of keys alone is no difference, and restarts nothing.
  if (isDeepStrictEqual(shown(before), shown(after))) return [];
  if (was === is) return [{ object, what: "quiet", restarts }];
  return [{ object, what: "changed", restarts, before: was, after: is }];
}

const masked = (difference: Difference): Difference => {
  const hide = (value: unknown) =>
    (maskObject({ kind: "", value } as unknown as KubernetesObject, newMask()) as { value?: unknown }).value;
  return { ...difference, before: hide(difference.before), after: hide(difference.after) };
};
