/** A report in GitHub's Markdown, which fits into a comment. */
import { plural } from "../../lib/text";
import type { ReleaseReport } from "./compare";
import type { Report } from "./report";
import { remarks, remarksOn, rows, summary, title } from "./words";

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

const table = ([heading = [], ...rows]: string[][]): string =>
  [heading, heading.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(plain).join(" | ")} |`)
    .join("\n");

/** The parts of a release: its name and remarks, then a folded diff of each object. */
const partsOf = (report: ReleaseReport): string[] => [
  [`### ${plain(report.name)}`, bullets(remarksOn(report))].filter(Boolean).join("\n\n"),
  ...report.objects
    .filter(({ what }) => what !== "quiet")
    .map(
      (object) => `<details><summary>${plain(title(object))}</summary>\n\n${code(object.diff)}\n\n</details>`,
    ),
];

/** A report in Markdown, at most `longest` characters. */
export function markdown(report: Report): string {
  const lines = remarks(report);
  const top = [
    `**${plain(summary(report))}**`,
    ...(lines.length ? [bullets(lines)] : []),
    ...(report.releases.length ? [table(rows(report.releases))] : []),
  ].join("\n\n");
  const parts = report.releases.flatMap(partsOf);
  const note = (left: number) =>
    left ? `\n\n${plural(left, "part")} left out for lack of room: \`./obs diff\` shows all.` : "";
  const room = longest - note(parts.length).length;
  let text = top.slice(0, room);
  let left = 0;
  for (const part of parts) {
    if (text.length + part.length + 2 > room) left++;
    else text += `\n\n${part}`;
  }
  return text + note(left);
}
