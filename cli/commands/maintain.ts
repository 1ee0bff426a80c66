/** Commands for upgrades, mirrors, deployments, and the project's tests. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

/** Registers `deployments`, `mirror`, `upgrade`, `test`. */
export function maintenanceCommands(program: Command): void {
  program
    .commandsGroup("Project and CI:")
    .command("deployments")
    .description(
      "validate Pulumi.<stack>.deploy.yaml, the settings for Pulumi Deployments, and print or apply them",
    )
    .argument(...stackArgument)
    .option("--apply", "replace the settings in Pulumi Cloud; needs PULUMI_ACCESS_TOKEN")
    .option("--org <organization>", "with --apply: Pulumi Cloud organization")
    .action((stack, options) =>
      exit(async () =>
        (require("../deployments") as typeof import("../deployments.js")).deployments(stack, options),
      ),
    );

  program
    .commandsGroup("Maintain:")
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
    .action((action, stack, options) =>
      exit(async () =>
        (require("../mirror") as typeof import("../mirror/index.js")).mirror(action, stack, options),
      ),
    );

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
        const upgrade = require("../upgrade") as typeof import("../upgrade/index.js");
        if (options.check === options.volumes) {
          console.error(upgrade.usage);
          return 1;
        }
        return options.check ? upgrade.check(stack, options) : upgrade.growVolumes(stack, options);
      }),
    );

  program
    .commandsGroup("Project and CI:")
    .command("test")
    .description("run the project's tests, layer by layer")
    .argument("[layers...]", "unit, charts, binaries, cases, examples, policies, engine, docs (default: all)")
    .action((layers) =>
      exit(async () => (require("../../tests/run") as typeof import("../../tests/run.js")).runLayers(layers)),
    );
}
