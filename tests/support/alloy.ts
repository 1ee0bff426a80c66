/** What Alloy itself says of a pipeline. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

/** The level of features that some of the pipelines need. */
export const experimental = "--stability.level=experimental";
export const publicPreview = "--stability.level=public-preview";

/** Expects that a file is as Alloy's own formatter would have it. */
export function expectFormatted(alloy: string, file: string): void {
  const { stdout, stderr, status } = spawnSync(alloy, ["fmt", file], { encoding: "utf8" });
  expect(status, stderr).to.equal(0);
  expect(stdout).to.equal(readFileSync(file, "utf8"));
}

/**
 * Lets Alloy check a pipeline.
 *
 * @param folder where the pipeline is written to
 * @param environment what the pipeline reads
 * @returns its exit code and all that it wrote
 */
export function validate(
  alloy: string,
  folder: string,
  pipeline: string,
  environment: Record<string, string>,
  stability = experimental,
): { status: number | null; words: string } {
  const file = join(folder, "pipeline.alloy");
  writeFileSync(file, pipeline);
  const { status, stdout, stderr } = spawnSync(alloy, ["validate", stability, file], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...environment },
  });
  return { status, words: `${stdout}${stderr}` };
}
