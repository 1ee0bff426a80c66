/** `obs diff`: the effect of a change on the objects that a stack installs, without a cluster. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../../lib/text";
import { markdown } from "./markdown";
import { compareFolders, movedCharts, type Report } from "./report";
import { baseSide, findBase, presentSide } from "./sides";
import { remarks, remarksOn, rows, summary, title } from "./words";

/** A report for a terminal. */
export function text(report: Report): string {
  const lines = [summary(report), ...remarks(report).map((line) => `  ${line}`)];
  if (report.releases.length) lines.push("", table(rows(report.releases)));
  for (const release of report.releases) {
    lines.push("", `── ${release.name} ${"─".repeat(Math.max(0, 60 - release.name.length))}`);
    lines.push(...remarksOn(release).map((line) => `! ${line}`));
    for (const object of release.objects)
      if (object.what !== "quiet") lines.push("", title(object), object.diff);
  }
  return lines.join("\n");
}

/** 0 no difference, 2 differences, 1 if a release could not be compared. */
export const exitCode = ({ releases, notCompared }: Report): number =>
  notCompared.length ? 1 : releases.length ? 2 : 0;

/** `diff`. @throws UserError if the base does not exist, or a side does not render */
export async function diff(
  stack: string,
  options: { base?: string; baseCharts?: string; json?: boolean; markdown?: boolean },
): Promise<number> {
  const base = findBase(options.base);
  const work = mkdtempSync(join(tmpdir(), "observability-sides-"));
  try {
    console.error(`obs: rendering ${stack} at ${base.name} (${base.commit.slice(0, 12)}), and now ...`);
    const [before, after] = await Promise.all([
      baseSide(base, stack, work, options.baseCharts),
      presentSide(stack, work),
    ]);
    const found = await compareFolders(before, after, after.releases);
    const charts = movedCharts(before, after);
    const report: Report = { stack, base, charts, ...found, notes: before.notes };
    if (options.json) console.log(JSON.stringify(report, null, 2));
    else console.log(options.markdown ? markdown(report) : text(report));
    return exitCode(report);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
