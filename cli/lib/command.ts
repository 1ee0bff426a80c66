/** Helpers for the registration of commands. */
import type { Command } from "commander";
import { invalid, UserError } from "../../settings";

/** The argument that names a stack. */
export const stackArgument = ["[stack]", "name of the stack, as in Pulumi.<stack>.yaml", "dev"] as const;

/** Adds a command with a stack as its argument. */
export const stackCommand = (program: Command, name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .argument(...stackArgument);

/** Runs an action that returns the exit code. */
export const exit = async (action: () => Promise<number>): Promise<void> => {
  process.exitCode = await action();
};

/** The number in an option. @param form of its text. @default a whole number @throws UserError outside its limits */
export const numberOf =
  (option: string, least: number, most: number, form = /^\d+$/) =>
  (text: string): number => {
    const value = form.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const kind = form.test("0.5") ? "number" : "whole number";
    throw new UserError(invalid(`--${option}`, text, `a ${kind} from ${least} to ${most}`));
  };
