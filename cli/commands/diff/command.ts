import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(
    program,
    "diff",
    "show what changes since a commit do to the objects that a stack installs; needs no cluster",
  )
    .option("--base <ref>", "branch, tag or commit to compare with (default: the merge base with main)")
    .option(
      "--base-charts <folder>",
      "charts of that commit, if OBS_CHARTS or charts.mirror does not have them",
    )
    .option("--json", "print the differences as JSON")
    .option("--markdown", "print the differences as Markdown for a comment, at most 40,000 characters")
    .addHelpText(
      "after",
      "\nValues of Secrets are hidden; values that are random in each rendering are left out.\n" +
        "Exit codes: 0 no difference; 2 differences; 1 an error, or a release that could not be compared.",
    )
    .action((stack, options) => exit(async () => implementation().diff(stack, options)));
}
