import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(program, "smoke", "run end-to-end tests against a running stack")
    .option("--json", "print the results as JSON")
    .option("--disruptive", "also kill a Loki ingester and wait until it recovers")
    .addHelpText("after", "\nExits 1 if a test fails; skipped tests do not count. docs/operations/smoke.md")
    .action((stack, options) => exit(async () => implementation().smoke(stack, options)));
}
