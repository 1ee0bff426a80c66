/** Commands that tell what a stack installs, and what a change does to it. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

/** Registers `render`, `policies`, `diff`, `review`, `comment`. */
export function reviewCommands(program: Command): void {
  program
    .command("render")
    .description("write what a stack would install to files, without an engine or a cluster")
    .argument("<stack>", "name of the stack, as in Pulumi.<stack>.yaml")
    .requiredOption("-o, --out <folder>", "folder to write to")
    .option("--json", "print what was written as JSON")
    .action((stack, { out, json }) =>
      exit(async () => {
        const { render } = require("../render") as typeof import("../render.js");
        const { files, skipped } = await render(stack, out);
        if (json) console.log(JSON.stringify({ files, skipped }, null, 2));
        else for (const line of [...files, ...skipped.map((s) => `skipped ${s}`)]) console.log(line);
        return 0;
      }),
    );

  program
    .command("policies")
    .description("hold a stack, and what its charts make, against the rules of policies/")
    .argument(...stackArgument)
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing mandatory is broken; 2 something is; 1 a release could not be looked into. docs/policies.md",
    )
    .action((stack, options) =>
      exit(async () => (require("../policies") as typeof import("../policies.js")).policies(stack, options)),
    );

  program
    .command("diff")
    .description("what the changes since a commit do to the objects that a stack installs, without a cluster")
    .argument(...stackArgument)
    .option("--base <ref>", "branch, tag or commit to compare with; without it where this branch left main")
    .option("--base-charts <folder>", "charts of that commit, where OBS_CHARTS or charts.mirror lacks them")
    .option("--json", "print it as JSON")
    .option("--markdown", "print it as Markdown for a comment, 65,536 characters at most")
    .addHelpText(
      "after",
      "\nSecrets are hidden, and what is random in each rendering is left out.\n" +
        "Exit codes: 0 no difference; 2 differences; 1 an error, or a release that could not be compared.",
    )
    .action((stack, options) =>
      exit(async () => (require("../diff") as typeof import("../diff/index.js")).diff(stack, options)),
    );

  program
    .command("review")
    .description("what a pull request's reviewer sees of a stack: preview, policies, diff; written as JSON")
    .argument(...stackArgument)
    .requiredOption("-o, --out <folder>", "folder to write <stack>.json to")
    .option("--base <ref>", "branch, tag or commit to compare with; without it where this branch left main")
    .option("--policy-pack <folders...>", "policy packs", ["policies"])
    .option("--against <words>", "what to call the backend and cluster in use", "the stack's state")
    .action((stack, options) =>
      exit(async () => (require("../review") as typeof import("../review/index.js")).review(stack, options)),
    );

  program
    .command("comment")
    .description("print the comment that tells all reviews of a folder, in Markdown")
    .argument("<folder>", "folder that ./obs review wrote to")
    .option("--commit <hash>", "commit that was looked at", "the working tree")
    .action((folder, { commit }) =>
      exit(async () =>
        (require("../review") as typeof import("../review/index.js")).printComment(folder, commit),
      ),
    );
}
