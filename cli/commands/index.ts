/** All commands of `obs`, in the order of its help. What a command does is loaded when it runs, so that help is there at once. */
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
    .description("Installs and operates a complete Grafana observability stack on a Kubernetes cluster.");
  for (const register of [lifecycleCommands, operationCommands, reviewCommands, maintenanceCommands])
    register(program);
  return program;
}
