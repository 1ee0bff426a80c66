import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  program
    .command("mirror")
    .description("list all charts and images for an air-gapped installation")
    .argument("<action>", "list")
    .argument(...stackArgument)
    .option("--charts", "print a line for each chart: name or oci:// reference, version, repository")
    .option("--images", "print a line for each image: the image, its path in the mirror")
    .option("--json", "print the list as JSON")
    .addHelpText(
      "after",
      "\nNeeds helm and the charts. docs/guides/air-gapped.md copies the listed charts and images with helm and crane.",
    )
    .action((action, stack, options) => exit(async () => implementation().mirror(action, stack, options)));
}
