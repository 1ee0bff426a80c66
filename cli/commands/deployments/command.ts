import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `deployments`. */
export function register(program: Command): void {
  program
    .command("deployments")
    .description(
      "validate Pulumi.<stack>.deploy.yaml, the settings for Pulumi Deployments, and print or apply them",
    )
    .argument(...stackArgument)
    .option("--apply", "replace the settings in Pulumi Cloud; needs PULUMI_ACCESS_TOKEN")
    .option("--org <organization>", "with --apply: Pulumi Cloud organization")
    .action((stack, options) => exit(async () => implementation().deployments(stack, options)));
}
