/** Commands that make a stack, change it and take it away. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

const lifecycle = () => require("../lifecycle") as typeof import("../lifecycle.js");

/** Registers `up`, `preview`, `refresh`, `down`. */
export function lifecycleCommands(program: Command): void {
  program
    .command("up")
    .description("create or update a stack")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi up, after --")
    .option("-y, --yes", "do not ask (a dev stack never asks)")
    .option("--policies", "hold it to the rules of policies/, as a prod stack always is")
    .option("--no-policies", "do not, also where it is a prod stack")
    .action((stack, rest, options) => exit(async () => lifecycle().up(stack, options, rest)));

  program
    .command("preview")
    .description("show what up would change")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi preview, after --")
    .option("--policies", "hold it to the rules of policies/, as a prod stack always is")
    .option("--no-policies", "do not, also where it is a prod stack")
    .action((stack, rest, options) => exit(async () => lifecycle().preview(stack, options, rest)));

  program
    .command("refresh")
    .description("compare a stack's state with what is really there")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi refresh, after --")
    .option("-y, --yes", "do not ask")
    .action((stack, rest, options) => exit(async () => lifecycle().refresh(stack, options, rest)));

  program
    .command("down")
    .description("delete a stack's resources")
    .argument(...stackArgument)
    .argument("[pulumi-args...]", "arguments for pulumi destroy, after --")
    .option("-y, --yes", "do not ask")
    .action((stack, rest, options) => exit(async () => lifecycle().down(stack, options, rest)));
}
