/** The one comment that a pull request gets: resources changed and objects changed, stack by stack. */
import { code, commentLimit, folded, markdown, markdownTable, plain } from "../diff/markdown";
import type { Report } from "../diff/report";
import { count } from "../diff/words";
import type { Preview, ResourceChange } from "./preview";

/** First line of the comment, which it is found again by. */
export const marker = "<!-- obs-review -->";

/** What is known of a stack; a part that could not be made is an error's text. */
export interface Review {
  stack: string;
  preview: Preview | { error: string };
  diff: Report | { error: string };
  /** Against what the preview was made, such as `an empty cluster and no state`. */
  against: string;
}

/** Rows of a table beyond which it is cut. */
const longest = 100;

const verbs = ["create", "update", "replace", "delete", "import"];

/** `2 to create, 1 to update; 120 unchanged`. */
export function counts({ changes, same }: Preview): string {
  const ops = [...new Set([...verbs, ...changes.map(({ op }) => op)])];
  const words = ops.flatMap((op) => {
    const number = changes.filter((change) => change.op === op).length;
    return number ? [`${number} to ${op}`] : [];
  });
  return `${words.join(", ") || "nothing to change"}; ${same} unchanged`;
}

const resourceRow = ({ op, type, name, paths }: ResourceChange): string[] => {
  const some = paths.slice(0, 8);
  return [op, type, name, [...some, ...(paths.length > 8 ? [`${paths.length - 8} more`] : [])].join(", ")];
};

const cut = <T>(all: T[]): T[] => all.slice(0, longest);
const more = (all: unknown[]): string =>
  all.length > longest ? `\n\n${all.length - longest} more are left out.` : "";

/** The preview's part. */
function previewText({ preview, against }: Review): string {
  if ("error" in preview) return `**Preview** could not be made:\n\n${code(preview.error.slice(0, 2000))}`;
  const { changes, findings, errors, passed } = preview;
  const parts = [`**Preview** (${plain(against)}): ${plain(counts(preview))}${passed ? "" : ", **failed**"}`];
  if (errors.length) parts.push(code(errors.join("\n\n").slice(0, 4000)));
  // What replaces or deletes is what a reviewer looks for.
  const order = (op: string) => ["replace", "delete"].indexOf(op) + 1 || 3;
  const rows = [...changes].sort((a, b) => order(a.op) - order(b.op)).map(resourceRow);
  if (rows.length)
    parts.push(
      folded(
        `resources: ${count(rows.length, "change")}`,
        markdownTable([["", "type", "name", "differs"], ...cut(rows)]) + more(rows),
      ),
    );
  if (findings.length) {
    const told = findings.map(({ level, policy, resource, message }) => [
      level,
      policy,
      resource ?? "the stack",
      message,
    ]);
    const sorted = told.sort(([a = ""], [b = ""]) => Number(b === "mandatory") - Number(a === "mandatory"));
    parts.push(
      folded(
        `policies: ${count(told.length, "finding")}`,
        markdownTable([["level", "policy", "resource", "says"], ...cut(sorted)]) + more(told),
      ),
    );
  } else if (passed) parts.push("Policies: no findings.");
  return parts.join("\n\n");
}

const diffText = ({ diff }: Review, room: number): string =>
  "error" in diff
    ? `**Rendered objects** could not be compared:\n\n${code(diff.error.slice(0, 2000))}`
    : markdown(diff, room);

/**
 * The comment. It is never longer than GitHub takes; what is left out is said.
 *
 * @param commit the commit that was looked at
 */
export function comment(reviews: Review[], commit: string): string {
  const head = `${marker}\n### What this changes\n\nAs of ${plain(commit.slice(0, 12))}; secrets are hidden, and values of resources not shown.`;
  if (reviews.length === 0)
    return `${head}\n\nNo stack was looked at: the job that does it has failed before.`;
  const tops = reviews.map((review) => `#### ${plain(review.stack)}\n\n${previewText(review)}`);
  // Half for what the engine says at most; the rest is shared by the diffs.
  const half = Math.floor(commentLimit / 2 / reviews.length);
  const bounded = tops.map((top) =>
    top.length <= half
      ? top
      : `${top.slice(0, top.indexOf("\n\n<details>") + 1 || 400)}\n\nThe tables are left out, for they have no room here.`,
  );
  let text = head;
  for (const [index, review] of reviews.entries()) {
    text += `\n\n${bounded[index]}`;
    const waiting = bounded.slice(index + 1).reduce((sum, top) => sum + top.length + 2, 0);
    const room = Math.floor((commentLimit - text.length - waiting) / (reviews.length - index)) - 2;
    text += `\n\n${diffText(review, room)}`;
  }
  return text;
}
