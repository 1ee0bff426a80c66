import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(program, "policies", "check a stack and the objects of its charts against the policy pack")
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 no mandatory violation; 2 mandatory violations; 1 a release could not be checked. docs/reference/policies.md",
    )
    .action((stack, options) => exit(async () => implementation().policies(stack, options)));
}
