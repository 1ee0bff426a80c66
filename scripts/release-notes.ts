/** Prints the section of CHANGELOG.md about a version: `npx tsx scripts/release-notes.ts v1.2.0`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../package.json";
import { invalid } from "../settings";

/**
 * The section of a changelog about a version.
 *
 * @param tag `v1.2.0`
 * @throws if the tag is not a version, differs from package.json, or has no text under `## 1.2.0`
 */
export function releaseNotes(changelog: string, tag: string, packaged: string): string {
  const [, wanted] = /^v(\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(tag) ?? [];
  if (!wanted) throw new Error(invalid("tag", tag, "v and a version, such as v1.2.0"));
  if (wanted !== packaged)
    throw new Error(`the tag is ${tag}, and package.json has version ${packaged}: change it first`);
  const part = changelog
    .split(/^## /m)
    .slice(1)
    .find((text) => text.split(/\s/)[0] === wanted);
  const notes = part?.slice(part.indexOf("\n")).trim();
  if (!notes) throw new Error(`CHANGELOG.md has nothing under "## ${wanted}"; rename "## Unreleased" to it`);
  return notes;
}

if (require.main === module)
  try {
    const changelog = readFileSync(join(__dirname, "..", "CHANGELOG.md"), "utf8");
    console.log(releaseNotes(changelog, process.argv[2] ?? "", version));
  } catch (error) {
    console.error(`release-notes: ${(error as Error).message}`);
    process.exitCode = 1;
  }
