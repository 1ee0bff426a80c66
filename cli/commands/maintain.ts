/** Commands for what a stack is made of and where it is deployed from, and the project's own tests. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

/** Registers `deployments`, `mirror`, `upgrade`, `test`. */
export function maintenanceCommands(program: Command): void {
  program
    .command("deployments")
    .description(
      "check a stack's settings for Pulumi Deployments, Pulumi.<stack>.deploy.yaml, and print or apply them",
    )
    .argument(...stackArgument)
    .option("--apply", "replace the settings in Pulumi Cloud by these; needs PULUMI_ACCESS_TOKEN")
    .option("--org <organization>", "with --apply: organization in Pulumi Cloud")
    .action((stack, options) =>
      exit(async () =>
        (require("../deployments") as typeof import("../deployments.js")).deployments(stack, options),
      ),
    );

  program
    .command("mirror")
    .description("name, fetch and push every chart and image of a stack, for a site without a way out")
    .argument("<action>", "list, pull or push")
    .argument(...stackArgument)
    .option("-o, --out <folder>", "pull: folder for charts and images; what is there already is skipped")
    .option("-f, --from <folder>", "push: folder that pull wrote")
    .option("--to <registry>", "push: registry host, optionally with a path; images keep path and tag")
    .option("--only <kind>", "pull, push: charts or images alone")
    .option("--plain-http", "push: the registry speaks HTTP")
    .option("--print", "pull, push: print the commands and run none")
    .option("--digests", "list: ask the registries for each image's digest")
    .option("--json", "list: print it as JSON")
    .addHelpText(
      "after",
      "\nCharts go by helm, images by crane or skopeo, whichever is on PATH. docs/air-gapped.md",
    )
    .action((action, stack, options) =>
      exit(async () =>
        (require("../mirror") as typeof import("../mirror/index.js")).mirror(action, stack, options),
      ),
    );

  program
    .command("upgrade")
    .description("tell which charts can be upgraded and what would break, or grow volumes")
    .argument(...stackArgument)
    .option("--check", "compare charts.json with the repositories, and the cluster with the charts")
    .option("--official", "with --check: ask the official repositories even where a mirror is set")
    .option("--volumes", "grow volumes to the size of their settings, where up alone cannot")
    .option("-y, --yes", "with --volumes: do not ask (a dev stack never asks)")
    .option("--json", "print what was found as JSON")
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
    .command("test")
    .description("run the project's tests, layer by layer")
    .argument(
      "[layers...]",
      "unit, charts, binaries, examples, policies, engine, docs; without any, all of them",
    )
    .action((layers) =>
      exit(async () => (require("../../tests/run") as typeof import("../../tests/run.js")).runLayers(layers)),
    );
}
