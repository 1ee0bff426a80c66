/** All commands of `obs`, in the order of its help. A command loads its implementation when it runs, so help is fast. */
import { Command } from "commander";
import { version } from "../../package.json";
import { register as backup } from "./backup/command";
import { register as coverage } from "./coverage/command";
import { register as dashboards } from "./dashboards/command";
import { register as diff } from "./diff/command";
import { register as doctor } from "./doctor/command";
import { register as lifecycle } from "./lifecycle/command";
import { register as load } from "./load/command";
import { register as mirror } from "./mirror/command";
import { register as policies } from "./policies/command";
import { register as render } from "./render/command";
import { register as rotate } from "./rotate/command";
import { register as size } from "./size/command";
import { register as smoke } from "./smoke/command";
import { register as storage } from "./storage/command";
import { register as test } from "./test/command";
import { register as upgrade } from "./upgrade/command";

/** Commands on the first screen of the help. */
const everyday = ["up", "preview", "down", "smoke", "doctor", "size", "backup", "upgrade"];

/** The groups of the help, in their order. A folder may register several commands. */
const groups: Record<string, ((program: Command) => void)[]> = {
  "Install:": [lifecycle],
  "Check health:": [smoke, doctor, dashboards, coverage],
  "Plan capacity:": [load, size, storage],
  "Maintain:": [rotate, backup, mirror, upgrade],
  "Review changes:": [render, policies, diff],
  "Project and CI:": [test],
};

/** The command line, ready to parse arguments. */
export function commandLine(): Command {
  const program = new Command("./obs")
    .version(version)
    .description("Installs and operates a complete Grafana observability stack on Kubernetes.")
    .configureHelp({
      visibleCommands: ({ commands }) => commands.filter((command) => everyday.includes(command.name())),
    })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "obs: ")) });
  for (const [title, members] of Object.entries(groups)) {
    program.commandsGroup(title);
    for (const register of members) register(program);
  }
  const others = program.commands.map((command) => command.name()).filter((name) => !everyday.includes(name));
  program.addHelpText(
    "after",
    `\nMore commands: ${others.join(", ")}\n` +
      "Options of a command: ./obs <command> --help. All commands: docs/reference/commands.md\n\n" +
      "Start with: ./obs up, then ./obs smoke.",
  );
  return program;
}
