import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(program, "doctor", "report problems with evidence and a fix, root causes first")
    .option("--no-probe", "create no pod: do not test whether NetworkPolicies are enforced")
    .option("--json", "print the findings as JSON")
    .addHelpText("after", "\nExit codes: 0 healthy; 2 findings; 1 the cluster could not be checked.")
    .action((stack, options) => exit(async () => implementation().doctor(stack, options)));
}
