/** The two sides of a diff: the project at a commit of git, and as it lies here, each rendered by its own code. */
import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { invalid, UserError } from "../../../settings";
import { render } from "../../lib/render";
import { configFile, root } from "../../lib/stack-config";

const run = promisify(execFile);

/** A rendered side. */
export interface Side {
  /** Folder with what `obs render` writes. */
  folder: string;
  /** Versions of the charts, by name. */
  charts: Record<string, string>;
  /** A line for each release that could not be rendered. */
  skipped: string[];
}

const git = (...args: string[]) => spawnSync("git", args, { cwd: root, encoding: "utf8" });

/** A commit, and what it was called. */
export interface Base {
  /** Its full hash. */
  commit: string;
  /** `main`, `v1.2.0`, or the words for the default. */
  name: string;
}

/**
 * The commit to compare with.
 *
 * @param ref a branch, tag or commit. @default where this branch left `origin/main` or `main`; on main itself that is
 *   its last commit
 * @throws UserError where git is missing, this is no checkout, or there is no such commit
 */
export function findBase(ref?: string): Base {
  const head = git("rev-parse", "--verify", "--quiet", "HEAD^{commit}");
  if (head.error) throw new UserError("a diff needs git, which is not on PATH");
  if (head.status !== 0)
    throw new UserError("a diff needs a git checkout of this project with at least one commit");
  if (ref !== undefined) {
    // What begins with a dash would be an option.
    const found = ref.startsWith("-")
      ? undefined
      : git("rev-parse", "--verify", "--quiet", `${ref}^{commit}`);
    if (found?.status !== 0)
      throw new UserError(
        invalid("--base", ref, "a branch, tag or commit of this checkout; git fetch gets missing ones"),
      );
    return { commit: found.stdout.trim(), name: ref };
  }
  for (const main of ["origin/main", "main"]) {
    const { status, stdout } = git("merge-base", "HEAD", main);
    if (status === 0) return { commit: stdout.trim(), name: `where this branch left ${main}` };
  }
  return { commit: head.stdout.trim(), name: "HEAD" };
}

/** Versions by chart, of a folder with a charts.json. */
function chartsOf(folder: string): Record<string, string> {
  const pins: Record<string, { version: string }> = JSON.parse(
    readFileSync(join(folder, "charts.json"), "utf8"),
  );
  return Object.fromEntries(Object.entries(pins).map(([name, { version }]) => [name, version]));
}

/** Puts the project as it was at a commit into a folder. @returns lines to tell */
async function checkOut(commit: string, folder: string, stack: string): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await run("git", ["archive", "--format=tar", "--output", archive, commit], { cwd: root });
  await run("tar", ["-xf", archive, "-C", folder]);
  const told: string[] = [];
  const config = join(folder, `Pulumi.${stack}.yaml`);
  if (!existsSync(config)) {
    copyFileSync(configFile(stack), config);
    told.push(`Pulumi.${stack}.yaml is not in that commit: both sides are rendered with the present one`);
  }
  const lock = (place: string) => readFileSync(join(place, "package-lock.json"), "utf8");
  if (lock(folder) === lock(root))
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  else {
    console.error("obs: installing the npm packages of the base, which are others ...");
    await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: folder,
      maxBuffer: 16 * 1024 ** 2,
    });
  }
  return told;
}

/** What a command that failed has said. */
const words = (error: unknown): string => {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim();
};

/**
 * Renders the project as it was at a commit, by the code of that commit.
 *
 * @param work an empty folder
 * @param charts folder or address of the charts of that side, where it is another one
 * @throws UserError with what that code has said, where it does not render
 */
export async function baseSide(
  base: Base,
  stack: string,
  work: string,
  charts?: string,
): Promise<Side & { told: string[] }> {
  const source = join(work, "base");
  const folder = join(work, "before");
  try {
    const told = await checkOut(base.commit, source, stack);
    const mirror = charts ?? process.env["OBS_CHARTS"];
    // A path belongs to the folder that the command was called in, not to the one with the base.
    const place = mirror && (/^(https?|oci):\/\//.test(mirror) ? mirror : resolve(mirror));
    const { stdout } = await run(
      process.execPath,
      ["--require", "tsx/cjs", join("cli", "main.ts"), "render", stack, "--out", folder, "--json"],
      {
        cwd: source,
        maxBuffer: 16 * 1024 ** 2,
        env: { ...process.env, ...(place && { OBS_CHARTS: place }) },
      },
    );
    return { folder, charts: chartsOf(source), skipped: JSON.parse(stdout).skipped, told };
  } catch (error) {
    throw new UserError(
      `the stack could not be rendered as of ${base.name} (${base.commit.slice(0, 12)}): ${words(error)}`,
    );
  }
}

/** Renders the project as it lies here. */
export async function presentSide(stack: string, work: string): Promise<Side> {
  const folder = join(work, "after");
  const { skipped } = await render(stack, folder);
  return { folder, charts: chartsOf(root), skipped };
}
