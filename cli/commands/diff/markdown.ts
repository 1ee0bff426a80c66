/** A report in GitHub's Markdown, folded, and never longer than a comment may be. */
import type { ReleaseReport, Report } from "./report";
import { aside, count, heading, remarks, row, summary, title } from "./words";

/**
 * Characters that a comment of GitHub may have.
 * https://github.com/dead-claudia/github-limits#issue-and-pull-request-bodies-and-comments
 */
export const commentLimit = 65_536;

/** Backticks, more of them than the text has in a row. */
const fence = (text: string): string =>
  "`".repeat(Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)) + 1);

/** A text that Markdown and HTML leave as it is: names of objects come from charts and pull requests. */
export const plain = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c] ?? c)
    .replace(/[\\`*_[\]|~#]/g, "\\$&")
    // No one is called by a comment.
    .replace(/@/g, "@\u200b");

/** A table. */
export const markdownTable = (rows: string[][]): string =>
  [rows[0] ?? [], (rows[0] ?? []).map(() => "---"), ...rows.slice(1)]
    .map((cells) => `| ${cells.map(plain).join(" | ")} |`)
    .join("\n");

/** A folded part. */
export const folded = (name: string, content: string): string =>
  `<details><summary>${plain(name)}</summary>\n\n${content}\n\n</details>`;

/** A text as code. */
export const code = (text: string, language = ""): string =>
  `${fence(text)}${language}\n${text}\n${fence(text)}`;

/** Parts of a release, most of them diffs, as many as there is room for. */
function release(report: ReleaseReport, room: number): string {
  const [name, ...numbers] = row(report);
  const words = numbers.flatMap((number, index) =>
    number === "-" ? [] : [`${number} ${heading[index + 1]}`],
  );
  const wrap = (parts: string[]) =>
    folded(`${name}: ${words.join(", ") || "checksums only"}`, parts.join("\n\n"));
  const left = (names: string[]) =>
    `${count(names.length, "object")} left out, for a comment has ${commentLimit} characters: ${names.map(plain).join(", ")}`;
  const parts = [
    aside(report)
      .map((line) => `- ${plain(line)}`)
      .join("\n"),
  ].filter(Boolean);
  if (wrap(parts).length > room) parts.splice(0);
  const cut: string[] = [];
  const told = report.objects.filter(({ what }) => what !== "quiet");
  for (const [index, object] of told.entries()) {
    const part = `**${plain(title(object))}**\n${code(object.diff, "diff")}`;
    // Room for the names of all that may still have to be left out.
    const rest = left([...cut, ...told.slice(index + 1).map(title)]);
    if (wrap([...parts, part, rest]).length <= room) parts.push(part);
    else cut.push(title(object));
  }
  if (cut.length === 0) return wrap(parts);
  const whole = wrap([...parts, left(cut)]);
  if (whole.length <= room) return whole;
  const short = wrap([
    `${count(told.length, "object")} left out, for a comment has ${commentLimit} characters`,
  ]);
  return short.length <= room ? short : "";
}

/**
 * A report in Markdown.
 *
 * @param room characters that it may have. @default those of a comment
 */
export function markdown(report: Report, room = commentLimit): string {
  const parts = [`**${plain(summary(report))}**`];
  const lines = remarks(report);
  if (lines.length) parts.push(lines.map((line) => `- ${plain(line)}`).join("\n"));
  if (report.releases.length) parts.push(markdownTable([heading, ...report.releases.map(row)]));
  const cut = "\n\nSome of it was left out, for there is no more room: `./obs diff` shows all.";
  const top = parts.join("\n\n");
  if (top.length + cut.length > room) return top.slice(0, Math.max(0, room - cut.length)) + cut;
  let text = top;
  let complete = true;
  for (const [index, one] of report.releases.entries()) {
    // What is left is shared: a release of thousands of lines takes no room from those after it.
    const share = Math.floor((room - cut.length - text.length) / (report.releases.length - index)) - 2;
    const part = release(one, share);
    if (part) text += `\n\n${part}`;
    if (!part || part.includes("left out, for a comment")) complete = false;
  }
  return complete ? text : text + cut;
}
