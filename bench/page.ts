/** The tables of `bench/results.md`, each between two marks with the name of its benchmark. Pure. */
import type { Result, Table } from "./benchmark";

const marks = (name: string) => [`<!-- bench ${name} -->`, `<!-- end of bench ${name} -->`] as const;

/** Metadata of a result, in addition to its numbers. */
export interface About {
  /** `2026-01-31` */
  date: string;
  /** The command that reproduces the numbers. */
  command: string;
  machine: string;
}

/** A table in Markdown: the first column left-aligned, numbers right-aligned. */
export function markdownTable({ head, rows }: Pick<Table, "head" | "rows">): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const numeric = (column: number) =>
    column > 0 && rows.every((row) => /^(-$|[\d.(])/.test(row[column] ?? "-"));
  const below = head.map((_, column) => (numeric(column) ? "--:" : "---"));
  return [line(head), `|${below.join("|")}|`, ...rows.map(line)].join("\n");
}

/** A benchmark's section of the page. */
export function section({ tables, notes, skipped }: Result, { date, command, machine }: About): string {
  return [
    `Measured on ${date}: ${machine}.`,
    `\`\`\`\n${command}\n\`\`\``,
    ...tables.map((table) => `${table.title}:\n\n${markdownTable(table)}`),
    ...(notes.length ? [notes.map((note) => `- ${note}`).join("\n")] : []),
    ...(skipped.length ? [`Left out: ${skipped.join("; ")}.`] : []),
  ].join("\n\n");
}

/**
 * The page with one benchmark's section replaced.
 *
 * @throws if the page has no marks of that name
 */
export function written(page: string, name: string, text: string): string {
  const [begin, end] = marks(name);
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`bench/results.md has no section for ${name}: ${begin}`);
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}
