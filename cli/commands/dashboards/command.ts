import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(
    program,
    "dashboards",
    "run the queries of this stack's dashboards at the gateways, and list failed and empty ones",
  )
    .option("--json", "print the failed and empty queries as JSON")
    .action((stack, { json }) => exit(async () => implementation().queryDashboards(stack, Boolean(json))));
}
