/** Commands that show what a stack installs, and what a change does to it. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

/** Registers `render`, `policies`, `diff`, `review`, `comment`. */
export function reviewCommands(program: Command): void {
  program
    .commandsGroup("Review changes:")
    .command("render")
    .description("write the objects that a stack installs to files; needs neither Pulumi nor a cluster")
    .argument("<stack>", "name of the stack, as in Pulumi.<stack>.yaml")
    .requiredOption("-o, --out <folder>", "folder to write to")
    .option("--json", "print what was written as JSON")
    .action((stack, { out, json }) =>
      exit(async () => {
        const { render } = require("../render") as typeof import("../render.js");
        const { files, skipped } = await render(stack, out);
        if (json) console.log(JSON.stringify({ files, skipped }, null, 2));
        else for (const file of files) console.log(file);
        for (const line of skipped) console.error(`obs: not rendered: ${line}`);
        return skipped.length ? 1 : 0;
      }),
    );

  program
    .command("policies")
    .description("check a stack and the objects of its charts against the policy pack")
    .argument(...stackArgument)
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 no mandatory violation; 2 mandatory violations; 1 a release could not be checked. docs/reference/policies.md",
    )
    .action((stack, options) =>
      exit(async () => (require("../policies") as typeof import("../policies.js")).policies(stack, options)),
    );

  program
    .command("diff")
    .description("show what changes since a commit do to the objects that a stack installs; needs no cluster")
    .argument(...stackArgument)
    .option("--base <ref>", "branch, tag or commit to compare with (default: the merge base with main)")
    .option(
      "--base-charts <folder>",
      "charts of that commit, if OBS_CHARTS or charts.mirror does not have them",
    )
    .option("--json", "print the differences as JSON")
    .option("--markdown", "print the differences as Markdown for a comment, at most 65,536 characters")
    .addHelpText(
      "after",
      "\nSecrets are hidden; values that are random in each rendering are left out.\n" +
        "Exit codes: 0 no difference; 2 differences; 1 an error, or a release that could not be compared.",
    )
    .action((stack, options) =>
      exit(async () => (require("../diff") as typeof import("../diff/index.js")).diff(stack, options)),
    );

  program
    .command("review")
    .description("write preview, policies and diff of a stack as JSON, for a pull request")
    .argument(...stackArgument)
    .requiredOption("-o, --out <folder>", "folder to write <stack>.json to")
    .option("--base <ref>", "branch, tag or commit to compare with (default: the merge base with main)")
    .option("--policy-pack <folders...>", "policy packs", ["policies"])
    .option("--against <words>", "name of the backend and cluster in use", "the stack's state")
    .action((stack, options) =>
      exit(async () => (require("../review") as typeof import("../review/index.js")).review(stack, options)),
    );

  program
    .command("comment")
    .description("print the reviews of a folder as a Markdown comment")
    .argument("<folder>", "folder that ./obs review wrote to")
    .option("--commit <hash>", "reviewed commit", "the working tree")
    .action((folder, { commit }) =>
      exit(async () =>
        (require("../review") as typeof import("../review/index.js")).printComment(folder, commit),
      ),
    );
}
