import type { Command } from "commander";
import { exit } from "../../lib/command";

const implementation = () => require("../../lib/render") as typeof import("../../lib/render.js");

export function register(program: Command): void {
  program
    .command("render")
    .description("write the objects that a stack installs to files; needs neither Pulumi nor a cluster")
    .argument("<stack>", "name of the stack, as in Pulumi.<stack>.yaml")
    .requiredOption("-o, --out <folder>", "folder to write to")
    .option("--json", "print what was written as JSON")
    .action((stack, { out, json }) =>
      exit(async () => {
        const { render } = implementation();
        const { files, skipped } = await render(stack, out);
        if (json) console.log(JSON.stringify({ files, skipped }, null, 2));
        else for (const file of files) console.log(file);
        for (const line of skipped) console.error(`obs: not rendered: ${line}`);
        return skipped.length ? 1 : 0;
      }),
    );
}
