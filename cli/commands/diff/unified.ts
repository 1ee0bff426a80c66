/** Unified diffs, without file headers. */
import { createTwoFilesPatch } from "diff";

/** The hunks between two texts, with three lines of context; empty if they are the same. */
export function unified(before: string, after: string): string {
  const patch = createTwoFilesPatch("before", "after", before, after, "", "", { context: 3 });
  const start = patch.search(/^@@ /m);
  return start < 0 ? "" : patch.slice(start).trimEnd();
}
