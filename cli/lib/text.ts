/** Text output: counts, groups and tables. */

/** `1 query`, `2 queries`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** Elements by a key, in the order of their first ones. */
export function grouped<T>(all: Iterable<T>, keyOf: (one: T) => string): Map<string, [T, ...T[]]> {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}

/** The rows of a table of items, from the heading and the cells of each column. */
export const columns = <T>(items: T[], all: [heading: string, cell: (item: T) => string][]): string[][] => [
  all.map(([heading]) => heading),
  ...items.map((item) => all.map(([, cell]) => cell(item))),
];

/**
 * Rows of cells as lines, each column as wide as its widest cell.
 *
 * @param rows the first may be a heading
 * @param numbers whether all columns but the first are numbers, aligned to the right
 */
export function table(rows: string[][], numbers = false): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const aligned = (cell: string, column: number) =>
    numbers && column > 0 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(aligned).join("  ").trimEnd()).join("\n");
}
