import type { Command } from "commander";
import { exit, numberOf, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(
    program,
    "load",
    "load a running stack in steps; report throughput, ingestion-to-query latency and resource usage",
  )
    .option(
      "--logs <rate>",
      "log lines per second in the last step; 0 disables logs",
      numberOf("logs", 0, 1e6),
      200,
    )
    .option(
      "--series <count>",
      "active series in the last step, one sample every 15 s each; 0 disables metrics",
      numberOf("series", 0, 1e7),
      3000,
    )
    .option(
      "--spans <rate>",
      "spans per second in the last step; 0 disables traces",
      numberOf("spans", 0, 1e6),
      100,
    )
    .option(
      "--queries <rate>",
      "queries per second in the last step, one third each of LogQL, PromQL, TraceQL",
      // A fraction of a query per second is a rate.
      numberOf("queries", 0, 1000, /^\d+(\.\d+)?$/),
      3,
    )
    .option("--steps <count>", "number of steps", numberOf("steps", 1, 20), 4)
    .option("--duration <seconds>", "duration of each step", numberOf("duration", 10, 3600), 60)
    .option("--keep", "keep namespace load-test and its Job until the next load test")
    .option("--json", "print the results as JSON")
    .option("-y, --yes", "confirm the load on a prod stack")
    .action((stack, options) => exit(async () => implementation().load(stack, options)));
}
