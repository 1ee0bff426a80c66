/** The text of `docs/reference/commands.md`, from the command line's own help. */
import type { Command } from "commander";
import { commandLine } from "../cli/commands";
import { cell, table } from "./markdown";

/** A help text as Markdown, in which `<` would begin a tag. */
const prose = (text: string): string => cell(text).replaceAll("<", "&lt;");

/** The usage of a command: `./obs up [stack] [pulumi-args...]`. */
function call(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return ["./obs", command.name(), ...names].join(" ");
}

/** The additional text at the end of a command's help. */
function notes(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (written) => (text += written) });
  command.outputHelp();
  return text.split(command.helpInformation())[1]?.trim() ?? "";
}

function section(command: Command): string[] {
  const { registeredArguments, options } = command;
  const rows = [
    ...registeredArguments.map((argument) => [argument.name(), argument]),
    ...options.map((option) => [option.flags, option]),
  ] as [string, { description: string; defaultValue?: unknown }][];
  const note = notes(command);
  return [
    `### ${command.name()}`,
    "",
    `\`${call(command)}\`: ${prose(command.description())}.`,
    "",
    ...table(
      ["argument or option", "meaning", "default"],
      rows.map(([name, { description, defaultValue }]) => [
        `\`${cell(name)}\``,
        prose(description),
        defaultValue === undefined ? "" : `\`${cell(String(defaultValue))}\``,
      ]),
    ),
    "",
    ...(note ? [prose(note), ""] : []),
  ];
}

/** The text of `docs/reference/commands.md`. */
export function commandsDocument(): string {
  const { commands } = commandLine();
  const groups = [...new Set(commands.map((command) => command.helpGroup()))];
  return [
    "# Commands",
    "",
    "<!-- Written by `npm run generate` from cli/commands. -->",
    "",
    "`./obs <command> --help` prints the same text. The stack is `dev` if you name none.",
    "",
    ...groups.flatMap((group) => [
      `## ${group.replace(":", "")}`,
      "",
      ...commands.filter((command) => command.helpGroup() === group).flatMap(section),
    ]),
  ].join("\n");
}
