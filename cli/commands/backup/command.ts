import type { Command } from "commander";
import { exit, stackCommand } from "../../lib/command";

const implementation = () => require("./index") as typeof import("./index.js");

export function register(program: Command): void {
  stackCommand(program, "backup", "start a backup now, follow its log, and exit with its result")
    .option("--only <part>", "buckets or grafana")
    .addHelpText("after", "\nBackups run on a schedule: backups.schedule. docs/guides/backup.md")
    .action((stack, options) => exit(async () => implementation().backup(stack, options)));

  stackCommand(program, "restore", "restore the buckets and Grafana's database from the backup")
    .option("--only <part>", "buckets or grafana")
    .option("--before <time>", "restore the state before this time (UTC), within backups.keepDeleted")
    .option("-y, --yes", "confirm the restore of a prod stack")
    .addHelpText("after", "\nA restore adds and replaces objects; it deletes none. docs/guides/backup.md")
    .action((stack, options) => exit(async () => implementation().restore(stack, options)));
}
