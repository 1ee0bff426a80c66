/** Unified diffs of many small texts at once, by git. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Lines around a change. */
const context = 3;

/** The hunks of each pair in the output of `git diff --no-index`, by the number that is its file's name. */
function hunks(output: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const part of output.split(/^diff --git /m).slice(1)) {
    const [, number] = /\/(\d+)\.yaml/.exec(part) ?? [];
    const start = part.search(/^@@ /m);
    if (number && start >= 0) found.set(Number(number), part.slice(start).trimEnd());
  }
  return found;
}

/**
 * The unified diff of each pair of texts, without headings of files; empty where they are the same.
 *
 * @throws with git's message where it cannot compare, or is not on PATH
 */
export function unified(pairs: { before: string; after: string }[]): string[] {
  if (pairs.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "observability-diff-"));
  try {
    for (const side of ["before", "after"] as const) {
      mkdirSync(join(folder, side));
      for (const [number, pair] of pairs.entries())
        writeFileSync(join(folder, side, `${number}.yaml`), pair[side]);
    }
    // Whatever somebody has set for git does not belong in here: colours, prefixes, tools.
    const { status, stdout, stderr, error } = spawnSync(
      "git",
      [
        "diff",
        "--no-index",
        "--no-ext-diff",
        "--no-color",
        "--no-renames",
        `-U${context}`,
        "before",
        "after",
      ],
      {
        cwd: folder,
        encoding: "utf8",
        maxBuffer: 512 * 1024 ** 2,
        env: {
          ...process.env,
          GIT_CONFIG_GLOBAL: "/dev/null",
          GIT_CONFIG_SYSTEM: "/dev/null",
          GIT_DIR: "/dev/null",
        },
      },
    );
    if (error) throw error;
    if (status !== 0 && status !== 1) throw new Error(`git diff: ${stderr.trim()}`);
    const found = hunks(stdout);
    return pairs.map((_, number) => found.get(number) ?? "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
