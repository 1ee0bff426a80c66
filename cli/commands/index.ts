/** All commands of `obs`, in the order of its help. A command loads its implementation when it runs, so help is fast. */
import { Command } from "commander";
import { version } from "../../package.json";
import { lifecycleCommands } from "./lifecycle";
import { maintenanceCommands } from "./maintain";
import { operationCommands } from "./operate";
import { reviewCommands } from "./review";

/** The command line, ready to parse arguments. */
export function commandLine(): Command {
  const program = new Command("./obs")
    .version(version)
    .description("Installs and operates a complete Grafana observability stack on Kubernetes.")
    .addHelpText("after", "\nStart with: ./obs up, then ./obs smoke. Documentation: README.md");
  for (const register of [lifecycleCommands, operationCommands, reviewCommands, maintenanceCommands])
    register(program);
  return program;
}
