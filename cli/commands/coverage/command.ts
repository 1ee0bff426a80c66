import type { Command } from "commander";
import { exit, numberOf, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(
    program,
    "coverage",
    "list queries, alerts and autoscalers without data, with the reason, and unused metrics",
  )
    .option("--all", "also list queries without data now, such as errors that did not happen")
    .option("--hours <number>", "time range of the stored metrics", numberOf("hours", 1, 8760), 1)
    .option("--top <number>", "rows of each table", numberOf("top", 1, 10_000), 20)
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nCost: reads all dashboards, rules and autoscalers of the cluster, and sends Prometheus and Mimir one series query for each\n" +
        "distinct selector in them, 8 at a time, over --hours. Mimir reads only its ingesters. Do not run it on a schedule.\n\n" +
        "Exit codes: 0 nothing is blocked; 2 a setting, a monitor or the data source blocks a query; 1 the cluster could not\n" +
        "be checked. docs/operations/empty-panels.md",
    )
    .action((stack, options) => exit(async () => implementation().coverage(stack, options)));
}
