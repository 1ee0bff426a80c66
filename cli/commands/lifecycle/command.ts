import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  const command = (name: string, description: string, of = name) =>
    stackCommand(program, name, description).argument(
      "[pulumi-args...]",
      `arguments for pulumi ${of}, after --`,
    );

  command("up", "create or update a stack")
    .option("-y, --yes", "skip the confirmation (dev stacks never ask)")
    .option("--policies", "check the policy pack (default for prod stacks)")
    .option("--no-policies", "skip policy checks, even for prod stacks")
    .action((stack, rest, options) => exit(async () => implementation().up(stack, options, rest)));

  command("preview", "show what up would change")
    .option("--policies", "check the policy pack (default for prod stacks)")
    .option("--no-policies", "skip policy checks, even for prod stacks")
    .action((stack, rest, options) => exit(async () => implementation().preview(stack, options, rest)));

  command("refresh", "update a stack's state from the cluster and MinIO")
    .option("-y, --yes", "skip the confirmation")
    .action((stack, rest, options) => exit(async () => implementation().refresh(stack, options, rest)));

  command("down", "delete a stack's resources", "destroy")
    .option("-y, --yes", "skip the confirmation")
    .action((stack, rest, options) => exit(async () => implementation().down(stack, options, rest)));
}
