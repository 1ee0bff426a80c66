import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `review`, `comment`. */
export function register(program: Command): void {
  program
    .command("review")
    .description("write preview, policies and diff of a stack as JSON, for a pull request")
    .argument(...stackArgument)
    .requiredOption("-o, --out <folder>", "folder to write <stack>.json to")
    .option("--base <ref>", "branch, tag or commit to compare with (default: the merge base with main)")
    .option("--policy-pack <folders...>", "policy packs", ["policies"])
    .option("--against <words>", "name of the backend and cluster in use", "the stack's state")
    .action((stack, options) => exit(async () => implementation().review(stack, options)));

  program
    .command("comment")
    .description("print the reviews of a folder as a Markdown comment")
    .argument("<folder>", "folder that ./obs review wrote to")
    .option("--commit <hash>", "reviewed commit", "the working tree")
    .action((folder, { commit }) => exit(async () => implementation().printComment(folder, commit)));
}
