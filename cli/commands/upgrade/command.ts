import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `upgrade`. */
export function register(program: Command): void {
  program
    .command("upgrade")
    .description("check for chart upgrades and breaking changes, or grow volumes")
    .argument(...stackArgument)
    .option("--check", "compare charts.json with the repositories, and the cluster with the charts")
    .option("--official", "with --check: query the official repositories even if a mirror is configured")
    .option("--volumes", "grow volumes to the size in the settings, if up alone cannot")
    .option("-y, --yes", "with --volumes: skip the confirmation (dev stacks never ask)")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExit codes of --check: 0 up to date; 2 something newer is allowed, or a field differs that cannot change;\n" +
        "1 nothing of that, but a repository did not answer.",
    )
    .action((stack, options) =>
      exit(async () => {
        const upgrade = implementation();
        if (options.check === options.volumes) {
          console.error(upgrade.usage);
          return 1;
        }
        return options.check ? upgrade.check(stack, options) : upgrade.growVolumes(stack, options);
      }),
    );
}
