import type { Command } from "commander";
import { exit, stackArgument } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

/** Registers `backup`, `restore`. */
export function register(program: Command): void {
  program
    .command("backup")
    .description("start a backup now, follow its log, and exit with its result")
    .argument(...stackArgument)
    .option("--only <part>", "buckets or grafana")
    .addHelpText("after", "\nBackups run on a schedule: backups.schedule. docs/guides/backup.md")
    .action((stack, options) => exit(async () => implementation().backup(stack, options)));

  program
    .command("restore")
    .description("restore the buckets and Grafana's database from the backup")
    .argument(...stackArgument)
    .option("--only <part>", "buckets or grafana")
    .option("--before <time>", "restore the state before this time (UTC), within backups.keepDeleted")
    .option("-y, --yes", "confirm the restore of a prod stack")
    .addHelpText("after", "\nA restore adds and replaces objects; it deletes none. docs/guides/backup.md")
    .action((stack, options) => exit(async () => implementation().restore(stack, options)));
}
