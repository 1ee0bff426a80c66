import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `dashboards`. */
export function register(program: Command): void {
  program
    .command("dashboards")
    .description(
      "run the queries of this stack's dashboards through Grafana and list failed and empty ones (dev)",
    )
    .argument(...stackArgument)
    .option("--json", "print the failed and empty queries as JSON")
    .action((stack, { json }) => exit(async () => implementation().askDashboards(stack, Boolean(json))));
}
