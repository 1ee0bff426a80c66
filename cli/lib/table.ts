/** Text tables. */

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
