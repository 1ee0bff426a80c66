/** Plain data with keys: a stack's configuration, a chart's values. */
export type Tree = Record<string, unknown>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Merges `over` into `base` key by key; lists and scalars replace. */
export function merge(base: unknown, over: unknown): unknown {
  if (!isTree(base) || !isTree(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      key in over ? (key in base ? merge(base[key], over[key]) : over[key]) : base[key],
    ]),
  );
}

/** Every leaf value of a tree, with the keys that lead to it. An empty tree counts as a value. */
export const leavesOf = (node: unknown, keys: string[] = []): { keys: string[]; value: unknown }[] =>
  isTree(node) && Object.keys(node).length > 0
    ? Object.entries(node).flatMap(([key, child]) => leavesOf(child, [...keys, key]))
    : [{ keys, value: node }];

/** The value at a path of keys; undefined if there is none. */
export const valueAt = (tree: unknown, keys: readonly PropertyKey[]): unknown =>
  keys.reduce<unknown>((node, key) => (node as Tree | undefined)?.[key as string], tree);
