import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `storage`. */
export function register(program: Command): void {
  program
    .command("storage")
    .description("show size, growth, reclaimed space and time until full of each bucket")
    .argument(...stackArgument)
    .option("--json", "print the report as JSON; sizes in bytes, times in milliseconds since 1970")
    .action((stack, { json }) => exit(async () => implementation().storage(stack, Boolean(json))));
}
