/** `obs diff`: what a change does to the objects that a stack installs, before anything is installed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { record } from "../../lib/record";
import { releaseObjects, releasesOf } from "../../lib/render";
import { fileConfig } from "../../lib/stack-config";
import { table } from "../../lib/table";
import { markdown } from "./markdown";
import { compareFolders, movedCharts, type Present, type Report, withDiffs } from "./report";
import { baseSide, findBase, presentSide } from "./sides";
import { aside, heading, remarks, row, summary, title } from "./words";

/** How the command was called. */
export interface Options {
  /** Branch, tag or commit to compare with. */
  base?: string;
  /** Charts of the base, where they are elsewhere than those of now. */
  baseCharts?: string;
  json?: boolean;
  markdown?: boolean;
}

/**
 * Renders both sides and compares them. Nothing is asked of a cluster.
 *
 * @throws UserError where the base is not there, or a side does not render
 */
export async function diffReport(stack: string, options: Options): Promise<Report> {
  const config = fileConfig(stack);
  const base = findBase(options.base);
  const work = mkdtempSync(join(tmpdir(), "observability-sides-"));
  try {
    console.error(
      `obs: rendering ${stack} as of ${base.name} (${base.commit.slice(0, 12)}), and as it is now ...`,
    );
    const [before, after] = await Promise.all([
      baseSide(base, stack, work, options.baseCharts),
      presentSide(stack, work),
    ]);
    const present = new Map<string, Present>(
      releasesOf(await record(stack, config)).map((release) => [
        release.name,
        { namespace: release.namespace, again: () => releaseObjects(release) },
      ]),
    );
    const { groups, notCompared } = await compareFolders(before, after, present);
    return {
      stack,
      base,
      charts: movedCharts(before, after),
      releases: groups.map(withDiffs),
      notCompared,
      notes: before.told,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A report for a terminal. */
export function text(report: Report): string {
  const lines = [summary(report), ...remarks(report).map((line) => `  ${line}`)];
  if (report.releases.length) lines.push("", table([heading, ...report.releases.map(row)]));
  for (const release of report.releases) {
    lines.push("", `── ${release.name} ${"─".repeat(Math.max(0, 60 - release.name.length))}`);
    lines.push(...aside(release).map((line) => `! ${line}`));
    for (const object of release.objects)
      if (object.what !== "quiet") lines.push("", title(object), object.diff);
  }
  return lines.join("\n");
}

/** 0 no difference, 2 differences, 1 where some release could not be compared. */
export const exitCode = ({ releases, notCompared }: Report): number =>
  notCompared.length ? 1 : releases.length ? 2 : 0;

/** `diff`. */
export async function diff(stack: string, options: Options): Promise<number> {
  const report = await diffReport(stack, options);
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else console.log(options.markdown ? markdown(report) : text(report));
  return exitCode(report);
}
