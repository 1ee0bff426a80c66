import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(program, "storage", "show size, growth and time until full of each bucket")
    .option("--json", "print the report as JSON, sizes in bytes")
    .action((stack, { json }) => exit(async () => implementation().storage(stack, Boolean(json))));
}
