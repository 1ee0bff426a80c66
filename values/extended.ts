/** A release's values with what the stack adds to them in `helm.<release>.values`. */
import type { Settings } from "../settings";
import type { ExtendedRelease } from "../settings/helm";
import { isTree, leavesOf, merge, valueAt } from "../settings/tree";
import type { Values } from "./shared";

export interface Extended {
  /** The product's values with the stack's merged over them. */
  values: Values;
  /** Keys at which a value of the product is replaced; a preview warns about each. */
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
