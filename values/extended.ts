/** A release's values, merged with the stack's additions in `helm.<release>.values`. */
import type { Settings } from "../settings";
import type { ExtendedRelease } from "../settings/helm";
import { isTree, leavesOf, merge, valueAt } from "../settings/tree";
import type { Values } from "./shared";

export interface Extended {
  /** The default values with the stack's additions merged over them. */
  values: Values;
  /** Keys whose default value the additions replace; a preview warns about each. */
  replaced: string[];
}

export function extendedValues({ helm }: Settings, release: string, values: Values): Extended {
  const added = helm[release as ExtendedRelease]?.values;
  if (!added) return { values, replaced: [] };
  const replaced = leavesOf(added)
    .filter(({ keys, value }) => {
      const had = valueAt(values, keys);
      return had !== undefined && had !== value && !(isTree(had) && isTree(value));
    })
    .map(({ keys }) => keys.join("."));
  return { values: merge(values, added) as Values, replaced };
}
