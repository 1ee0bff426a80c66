/** Runs Alloy's own checks of a pipeline. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";

/** The stability level that some of the pipelines need. */
export const experimental = "--stability.level=experimental";
export const publicPreview = "--stability.level=public-preview";

/** Expects that a file has the format of Alloy's own formatter. */
export function expectFormatted(alloy: string, file: string): void {
  const { stdout, stderr, status } = spawnSync(alloy, ["fmt", file], { encoding: "utf8" });
  expect(status, stderr).to.equal(0);
  expect(stdout).to.equal(readFileSync(file, "utf8"));
}

/**
 * Validates a pipeline with Alloy.
 *
 * @param folder for the pipeline's file
 * @param environment variables that the pipeline reads
 * @returns its exit code and output
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
