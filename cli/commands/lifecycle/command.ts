import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `up`, `preview`, `refresh`, `down`. */
export function register(program: Command): void {
  program
    .command("up")
    .description("create or update a stack")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi up, after --")
    .option("-y, --yes", "skip the confirmation (dev stacks never ask)")
    .option("--policies", "check the policy pack (default for prod stacks)")
    .option("--no-policies", "skip policy checks, even for prod stacks")
    .action((stack, rest, options) => exit(async () => implementation().up(stack, options, rest)));

  program
    .command("preview")
    .description("show what up would change")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi preview, after --")
    .option("--policies", "check the policy pack (default for prod stacks)")
    .option("--no-policies", "skip policy checks, even for prod stacks")
    .action((stack, rest, options) => exit(async () => implementation().preview(stack, options, rest)));

  program
    .command("refresh")
    .description("update a stack's state from the cluster and MinIO")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi refresh, after --")
    .option("-y, --yes", "skip the confirmation")
    .action((stack, rest, options) => exit(async () => implementation().refresh(stack, options, rest)));

  program
    .command("down")
    .description("delete a stack's resources")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi destroy, after --")
    .option("-y, --yes", "skip the confirmation")
    .action((stack, rest, options) => exit(async () => implementation().down(stack, options, rest)));
}
