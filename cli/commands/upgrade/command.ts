import type { Command } from "commander";
import { UserError } from "../../../settings";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(program, "upgrade", "check for chart upgrades and breaking changes, or grow volumes")
    .option(
      "--check",
      "compare charts.json with the repositories, and run the charts against the cluster as a dry run",
    )
    .option("--official", "with --check: query the official repositories even if a mirror is configured")
    .option("--volumes", "grow volumes to the size in the settings, if up alone cannot")
    .option("-y, --yes", "with --volumes: make the changes to a prod stack, which are only listed without it")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExit codes of --check: 0 up to date; 2 a newer version is allowed, or the cluster rejects an object, because of an\n" +
        "immutable field; 1 a repository did not respond.\nTo move a chart, change its version in charts.json: docs/guides/upgrades.md",
    )
    .action((stack, options) =>
      exit(async () => {
        const upgrade = implementation();
        if (options.check === options.volumes)
          throw new UserError(`upgrade needs --check or --volumes: ./obs upgrade --check ${stack}`);
        return options.check ? upgrade.check(stack, options) : upgrade.growVolumes(stack, options);
      }),
    );
}
