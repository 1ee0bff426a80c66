import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `load`. */
export function register(program: Command): void {
  program
    .command("load")
    .description(
      "load a running stack in steps; report throughput, ingestion-to-query latency and resource usage",
    )
    .argument(...stackArgument)
    .option("--logs <rate>", "log lines per second in the last step; 0 disables logs", "200")
    .option(
      "--series <count>",
      "active series in the last step, one sample every 15 s each; 0 disables metrics",
      "3000",
    )
    .option("--spans <rate>", "spans per second in the last step; 0 disables traces", "100")
    .option(
      "--queries <rate>",
      "queries per second in the last step, one third each of LogQL, PromQL, TraceQL",
      "3",
    )
    .option("--steps <count>", "number of steps", "4")
    .option("--duration <seconds>", "duration of each step", "60")
    .option("--keep", "keep namespace load-test and its Job")
    .option("--json", "print the results as JSON")
    .option("-y, --yes", "confirm the load on a prod stack")
    .action((stack, options) => exit(async () => implementation().load(stack, options)));
}
