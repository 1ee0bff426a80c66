/** A report in GitHub's Markdown, which fits into a comment. */
import { plural } from "../../lib/text";
import type { ReleaseReport } from "./compare";
import type { Report } from "./report";
import { heading, remarks, remarksOn, row, summary, title } from "./words";

/** Characters of a report. A comment has at most 65,536; the others are for the preview. */
export const longest = 40_000;

/** A text that Markdown and HTML leave as it is: names of objects come from charts and pull requests. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c] ?? c)
    .replace(/[\\`*_[\]|~#]/g, "\\$&")
    // A comment must not mention anyone.
    .replace(/@/g, "@\u200b");

/** A diff between fences that are longer than those in it. */
function code(diff: string): string {
  const runs = [...diff.matchAll(/`+/g)].map(([run]) => run.length);
  const fence = "`".repeat(Math.max(2, ...runs) + 1);
  return `${fence}diff\n${diff}\n${fence}`;
}

const bullets = (lines: string[]): string => lines.map((line) => `- ${plain(line)}`).join("\n");

const table = (rows: string[][]): string =>
  [rows[0] ?? [], heading.map(() => "---"), ...rows.slice(1)]
    .map((cells) => `| ${cells.map(plain).join(" | ")} |`)
    .join("\n");

/** A folded release with as many diffs as fit. @returns the text, and how many diffs were left out */
function release(report: ReleaseReport, room: number): { text: string; left: number } {
  const [name = "", ...numbers] = row(report);
  const words = numbers.flatMap((number, index) =>
    number === "-" ? [] : [`${number} ${heading[index + 1]}`],
  );
  const parts = [`<details><summary>${plain(name)}: ${words.join(", ") || "checksums only"}</summary>`];
  const end = "</details>";
  const length = () => [...parts, end].join("\n\n").length;
  let left = 0;
  const diffs = report.objects
    .filter(({ what }) => what !== "quiet")
    .map((object) => `**${plain(title(object))}**\n${code(object.diff)}`);
  for (const part of [bullets(remarksOn(report)), ...diffs]) {
    if (length() + part.length + 2 > room) left++;
    else if (part) parts.push(part);
  }
  return length() > room ? { text: "", left: left + 1 } : { text: [...parts, end].join("\n\n"), left };
}

/** A report in Markdown, at most `longest` characters. */
export function markdown(report: Report): string {
  const lines = remarks(report);
  const top = [
    `**${plain(summary(report))}**`,
    ...(lines.length ? [bullets(lines)] : []),
    ...(report.releases.length ? [table([heading, ...report.releases.map(row)])] : []),
  ].join("\n\n");
  const note = (left: number) =>
    left ? `\n\n${plural(left, "part")} left out for lack of room: \`./obs diff\` shows all.` : "";
  const room = longest - note(report.releases.length * 1000).length;
  if (top.length > room) return top.slice(0, room) + note(report.releases.length);
  let text = top;
  let left = 0;
  for (const [index, one] of report.releases.entries()) {
    // Each release gets the same share of the remaining room.
    const share = Math.floor((room - text.length) / (report.releases.length - index)) - 2;
    const part = release(one, share);
    if (part.text) text += `\n\n${part.text}`;
    left += part.left;
  }
  return text + note(left);
}
