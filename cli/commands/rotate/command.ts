import type { Command } from "commander";
import { exit, numberOf, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(
    program,
    "rotate",
    "rotate the gateways' passwords without data loss; resumes after an interruption",
  )
    .option("--keep-old", "stop before the old passwords are revoked, until other stacks use the new ones")
    .option(
      "--wait <seconds>",
      "time for clients to switch to their new password",
      numberOf("wait", 0, 86_400),
      180,
    )
    .option("-y, --yes", "confirm the rotation of a prod stack")
    .action((stack, options) => exit(async () => implementation().rotate(stack, options)));
}
