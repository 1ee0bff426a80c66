/** Label selectors: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
import type { Tree } from "./rule";

/** Whether labels satisfy one of a selector's `matchExpressions`. An operator that Kubernetes does not know selects nothing. */
const satisfies = (labels: Tree, { key, operator, values = [] }: Tree): boolean => {
  const value: unknown = labels[key];
  switch (operator) {
    case "In":
      return values.includes(value);
    case "NotIn":
      return !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
};

/** Whether a selector selects objects with these labels. */
export const selects = (selector: Tree | undefined, labels: Tree): boolean =>
  Object.entries((selector?.["matchLabels"] ?? {}) as Tree).every(
    ([label, value]) => labels[label] === value,
  ) && ((selector?.["matchExpressions"] ?? []) as Tree[]).every((one) => satisfies(labels, one));

/** Whether a selector has no condition, so that it selects every object. */
export const selectsAll = (selector: Tree | undefined): boolean =>
  Object.keys(selector?.["matchLabels"] ?? {}).length === 0 && !selector?.["matchExpressions"]?.length;
