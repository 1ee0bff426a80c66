/** The two sides of a diff: the project at a commit and in the working tree, each rendered by its own code. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { isRemote } from "../../../charts";
import { invalid, UserError } from "../../../settings";
import { failureOf, type ReleaseInputs, render, run } from "../../lib/render";
import { configFile, root } from "../../lib/stack-config";

/** A rendered side. */
export interface Side {
  /** Folder with what `obs render` writes. */
  folder: string;
  /** Versions of the charts, by name. */
  charts: Record<string, string>;
  /** A line for each release that could not be rendered. */
  skipped: string[];
}

/** What a command of git prints; undefined if it fails. */
const git = (...args: string[]): string | undefined => {
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
};

/** The full hash of a commit; undefined if there is none. */
const commitOf = (ref: string) =>
  git("rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);

export type Base = ReturnType<typeof findBase>;

/**
 * The commit to compare with, and the name that it was given or a description of the default.
 *
 * @param ref a branch, tag or commit. @default the merge base with `origin/main` or `main`
 * @throws UserError if there is no git, no checkout, or no such commit
 */
export function findBase(ref?: string): { commit: string; name: string } {
  const head = commitOf("HEAD");
  if (!head) throw new UserError("a diff needs git, and a checkout of this project with at least one commit");
  if (ref !== undefined) {
    const commit = commitOf(ref);
    if (commit) return { commit, name: ref };
    throw new UserError(
      invalid("--base", ref, "a branch, tag or commit of this checkout; git fetch gets missing ones"),
    );
  }
  for (const main of ["origin/main", "main"]) {
    const commit = git("merge-base", "HEAD", main);
    if (commit) return { commit, name: `the merge base with ${main}` };
  }
  return { commit: head, name: "HEAD" };
}

/** Versions by chart, of a folder with a charts.json. */
function chartsOf(folder: string): Record<string, string> {
  const pins: Record<string, { version: string }> = JSON.parse(
    readFileSync(join(folder, "charts.json"), "utf8"),
  );
  return Object.fromEntries(Object.entries(pins).map(([name, { version }]) => [name, version]));
}

/** Checks a commit out into a folder. @returns remarks */
async function checkOut(commit: string, folder: string, stack: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await run("git", ["archive", "--format=tar", "--output", archive, commit], { cwd: root });
  await run("tar", ["-xf", archive, "-C", folder]);
  const notes: string[] = [];
  const config = join(folder, `Pulumi.${stack}.yaml`);
  if (!existsSync(config)) {
    copyFileSync(configFile(stack), config);
    notes.push(`Pulumi.${stack}.yaml is not in that commit: both sides use the present one`);
  }
  const lock = (place: string) => readFileSync(join(place, "package-lock.json"), "utf8");
  if (lock(folder) === lock(root))
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  else {
    console.error("obs: installing the npm packages of the base ...");
    await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: folder,
      maxBuffer: 16 * 1024 ** 2,
    });
  }
  return notes;
}

/**
 * Renders a commit; notes are remarks on how it was checked out.
 *
 * @param work an empty folder
 * @param charts folder or address of its charts. @default the present side's
 * @throws UserError with the message of its code, if it does not render
 */
export async function baseSide(
  base: Base,
  stack: string,
  work: string,
  charts?: string,
): Promise<Side & { notes: string[] }> {
  const source = join(work, "base");
  const folder = join(work, "before");
  try {
    const notes = await checkOut(base.commit, source, stack);
    const mirror = charts ?? process.env["OBS_CHARTS"];
    // A relative path is relative to the folder of the command, not to that of the base.
    const place = mirror && (isRemote(mirror) ? mirror : resolve(mirror));
    const { stdout } = await run(
      process.execPath,
      ["--require", "tsx/cjs", join("cli", "main.ts"), "render", stack, "--out", folder, "--json"],
      {
        cwd: source,
        maxBuffer: 16 * 1024 ** 2,
        env: { ...process.env, ...(place && { OBS_CHARTS: place }) },
      },
    );
    return { folder, charts: chartsOf(source), skipped: JSON.parse(stdout).skipped, notes };
  } catch (error) {
    throw new UserError(
      `the stack cannot be rendered at ${base.name} (${base.commit.slice(0, 12)}): ${failureOf(error)}`,
    );
  }
}

/** Renders the working tree. */
export async function presentSide(
  stack: string,
  work: string,
): Promise<Side & { releases: ReleaseInputs[] }> {
  const folder = join(work, "after");
  return { ...(await render(stack, folder)), folder, charts: chartsOf(root) };
}
