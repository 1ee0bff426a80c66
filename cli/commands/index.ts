/** All commands of `obs`, in the order of its help. A command loads its implementation when it runs, so help is fast. */
import { Command } from "commander";
import { version } from "../../package.json";
import { lifecycleCommands } from "./lifecycle";
import { maintenanceCommands } from "./maintain";
import { operationCommands } from "./operate";
import { reviewCommands } from "./review";

/** Commands on the first screen of the help. */
const everyday = ["up", "preview", "down", "smoke", "doctor", "size", "backup", "upgrade"];

/** The command line, ready to parse arguments. */
export function commandLine(): Command {
  const program = new Command("./obs")
    .version(version)
    .description("Installs and operates a complete Grafana observability stack on Kubernetes.")
    .configureHelp({
      visibleCommands: ({ commands }) => commands.filter((command) => everyday.includes(command.name())),
    })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "obs: ")) });
  for (const register of [lifecycleCommands, operationCommands, reviewCommands, maintenanceCommands])
    register(program);
  const others = program.commands.map((command) => command.name()).filter((name) => !everyday.includes(name));
  program.addHelpText(
    "after",
    `\nMore commands: ${others.join(", ")}\n` +
      "Options of a command: ./obs <command> --help. All commands: docs/reference/commands.md\n\n" +
      "Start with: ./obs up, then ./obs smoke.",
  );
  return program;
}
