/** `obs review` and `obs comment`: what a pull request's reviewer sees, made on the machine that runs its checks. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../settings";
import { diffReport, exitCode } from "../diff";
import { comment, type Review } from "./comment";
import { preview } from "./preview";

/** How `review` was called. */
export interface Options {
  /** Folder to write to. */
  out: string;
  /** Branch, tag or commit that the diff is against. */
  base?: string;
  /** Words for the backend and cluster that the preview is made with. */
  against: string;
  /** Folders of policy packs. */
  policyPack: string[];
}

const words = (error: unknown): { error: string } => ({ error: (error as Error).message });

/**
 * Compares a stack's objects with the base and previews it, and writes both as JSON. A part that fails is written as
 * that, so that the comment can say it.
 *
 * @returns 0 where both could be made, no mandatory policy is violated and the preview ran to its end; else 1
 */
export async function review(stack: string, { out, base, against, policyPack }: Options): Promise<number> {
  // First the diff: making the stack writes a salt into its file.
  const diff = await diffReport(stack, base === undefined ? {} : { base }).catch(words);
  const previewed = await preview(stack, policyPack).catch(words);
  const found: Review = { stack, preview: previewed, diff, against };
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${stack}.json`), JSON.stringify(found, null, 2));
  for (const part of [diff, previewed]) if ("error" in part) console.error(`obs: ${part.error}`);
  if (!("error" in previewed))
    for (const line of [
      ...previewed.errors,
      ...previewed.findings.map(({ level, policy, message }) => `${level}: ${policy}: ${message}`),
    ])
      console.error(`obs: ${line}`);
  const failed = "error" in diff || exitCode(diff) === 1 || "error" in previewed || !previewed.passed;
  return failed ? 1 : 0;
}

/**
 * Prints the comment of all reviews in a folder.
 *
 * @throws UserError where there is no such folder
 */
export function printComment(folder: string, commit: string): number {
  const files = (() => {
    try {
      return readdirSync(folder).filter((name) => name.endsWith(".json"));
    } catch {
      throw new UserError(`there is no folder ${folder}; ./obs review <stack> --out ${folder} writes one`);
    }
  })();
  const reviews = files.sort().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Review);
  console.log(comment(reviews, commit));
  return 0;
}
