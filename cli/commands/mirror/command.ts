import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `mirror`. */
export function register(program: Command): void {
  program
    .command("mirror")
    .description("list, download and push all charts and images for an air-gapped installation")
    .argument("<action>", "list, pull or push")
    .argument(...stackArgument)
    .option("-o, --out <folder>", "pull: target folder; existing files are skipped")
    .option("-f, --from <folder>", "push: folder that pull wrote")
    .option("--to <registry>", "push: registry host, optionally with a path; images keep path and tag")
    .option("--only <kind>", "pull, push: charts or images only")
    .option("--plain-http", "push: the registry speaks HTTP")
    .option("--print", "pull, push: print the commands without running them")
    .option("--digests", "list: query the registries for image digests")
    .option("--json", "list: print the result as JSON")
    .addHelpText("after", "\nUses helm for charts, and crane or skopeo for images. docs/guides/air-gapped.md")
    .action((action, stack, options) => exit(async () => implementation().mirror(action, stack, options)));
}
