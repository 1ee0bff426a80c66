import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(
    program,
    "size",
    "compare a stack's settings with the required capacity for a load; without a load, show the maximum load of the settings",
  )
    .option("--series <count>", "active series, such as 1M")
    .option("--samples <rate>", "samples, such as 100k/s (default: one per series and scrape interval)")
    .option("--queries <rate>", "metric queries, such as 5/s (default: 5/s per million series)")
    .option("--logs <volume>", "log lines, such as 1TB/day")
    .option("--spans <rate>", "spans, such as 20k/s")
    .option("--nodes <number>", "nodes of the cluster")
    .option("--write", "write the sizes for the load into Pulumi.<stack>.yaml")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nOmitted options default to the settings in load. Exits 1 if a component is too small. docs/guides/sizing.md",
    )
    .action((stack, { json, write, ...given }) =>
      exit(async () => implementation().size(stack, given, { json, write })),
    );
}
