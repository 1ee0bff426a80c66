/** Commands for a running stack: health, capacity, maintenance. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

/** Registers `smoke`, `doctor`, `load`, `dashboards`, `coverage`, `size`, `storage`, `rotate`, `backup`, `restore`. */
export function operationCommands(program: Command): void {
  program
    .commandsGroup("Check health:")
    .command("smoke")
    .description("run end-to-end tests against a running stack")
    .argument(...stackArgument)
    .option("--json", "print the results as JSON")
    .option("--disruptive", "also kill a Loki ingester and wait until it recovers")
    .addHelpText("after", "\nExits 1 if a test fails; skipped tests do not count. docs/operations/smoke.md")
    .action((stack, options) =>
      exit(async () => (require("../smoke") as typeof import("../smoke/index.js")).smoke(stack, options)),
    );

  program
    .command("doctor")
    .description("report problems with evidence and a fix, root causes first")
    .argument(...stackArgument)
    .option("--no-probe", "create no pod: leave out whether NetworkPolicies are enforced")
    .option("--checklist", "print the infrastructure checklist instead")
    .option("--json", "print the findings as JSON")
    .addHelpText("after", "\nExit codes: 0 healthy; 2 findings; 1 the cluster could not be checked.")
    .action((stack, options) =>
      exit(async () => (require("../doctor") as typeof import("../doctor/index.js")).doctor(stack, options)),
    );

  program
    .commandsGroup("Plan capacity:")
    .command("load")
    .description(
      "load a running stack in steps; report throughput, ingestion-to-query latency and resource usage",
    )
    .argument(...stackArgument)
    .option("--logs <rate>", "log lines per second in the last step; 0 disables logs", "200")
    .option(
      "--series <count>",
      "active series in the last step, one sample every 15 s each; 0 disables metrics",
      "3000",
    )
    .option("--spans <rate>", "spans per second in the last step; 0 disables traces", "100")
    .option(
      "--queries <rate>",
      "queries per second in the last step, one third each of LogQL, PromQL, TraceQL",
      "3",
    )
    .option("--steps <count>", "number of steps", "4")
    .option("--duration <seconds>", "duration of each step", "60")
    .option("--keep", "keep namespace load-test and its Job")
    .option("--json", "print the results as JSON")
    .option("-y, --yes", "confirm the load on a prod stack")
    .action((stack, options) =>
      exit(async () => (require("../load") as typeof import("../load/index.js")).load(stack, options)),
    );

  program
    .commandsGroup("Check health:")
    .command("dashboards")
    .description(
      "run the queries of this stack's dashboards through Grafana and list failed and empty ones (dev)",
    )
    .argument(...stackArgument)
    .option("--json", "print the failed and empty queries as JSON")
    .action((stack, { json }) =>
      exit(async () =>
        (require("../dashboards") as typeof import("../dashboards.js")).askDashboards(stack, Boolean(json)),
      ),
    );

  program
    .command("coverage")
    .description(
      "list queries, alerts and autoscalers without data, with the reason, and metrics that nothing reads",
    )
    .argument(...stackArgument)
    .option("--all", "list everything, also queries without data now, such as errors that did not happen")
    .option("--hours <number>", "metrics of the last hours count", "1")
    .option("--top <number>", "rows of each table", "20")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 nothing is blocked; 2 a setting, a monitor or the data source blocks a query; 1 the cluster could not be checked. docs/operations/empty-panels.md",
    )
    .action((stack, options) =>
      exit(async () =>
        (require("../coverage") as typeof import("../coverage/index.js")).coverage(stack, options),
      ),
    );

  program
    .commandsGroup("Plan capacity:")
    .command("size")
    .description(
      "compare a stack's settings with the required capacity for a load; without a load, show what they carry",
    )
    .argument(...stackArgument)
    .option("--series <count>", "active series, such as 1M")
    .option("--samples <rate>", "samples, such as 100k/s (default: one per series and scrape interval)")
    .option("--queries <rate>", "metric queries, such as 5/s (default: 5/s per million series)")
    .option("--logs <volume>", "log lines, such as 1TB/day")
    .option("--spans <rate>", "spans, such as 20k/s")
    .option("--nodes <number>", "nodes of the cluster")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nOmitted options default to the setting load. Exits 1 if a component is too small. docs/guides/sizing.md",
    )
    .action((stack, { json, ...given }) =>
      exit(async () => (require("../size") as typeof import("../size.js")).size(stack, given, Boolean(json))),
    );

  program
    .command("storage")
    .description("show size, growth, reclaimed space and time until full of each bucket")
    .argument(...stackArgument)
    .option("--json", "print the report as JSON; sizes in bytes, times in milliseconds since 1970")
    .action((stack, { json }) =>
      exit(async () =>
        (require("../storage") as typeof import("../storage/index.js")).storage(stack, Boolean(json)),
      ),
    );

  program
    .commandsGroup("Maintain:")
    .command("rotate")
    .description("rotate the gateways' passwords without data loss; resumes after an interruption")
    .argument(...stackArgument)
    .option("--keep-old", "stop before the old passwords are revoked, until other stacks use the new ones")
    .option("--wait <seconds>", "time for clients to switch to their new password", "180")
    .option("-y, --yes", "skip the confirmation (dev stacks never ask)")
    .action((stack, options) =>
      exit(async () => (require("../rotate") as typeof import("../rotate.js")).rotate(stack, options)),
    );

  program
    .command("backup")
    .description("start a backup now, follow its log, and exit with its result")
    .argument(...stackArgument)
    .option("--only <part>", "buckets or grafana")
    .addHelpText("after", "\nBackups run on a schedule: backups.schedule. docs/guides/backup.md")
    .action((stack, options) =>
      exit(async () => (require("../backups") as typeof import("../backups.js")).backup(stack, options)),
    );

  program
    .command("restore")
    .description("restore the buckets and Grafana's database from the backup")
    .argument(...stackArgument)
    .option("--only <part>", "buckets or grafana")
    .option("--before <time>", "restore the state before this time (UTC), within backups.keepDeleted")
    .option("-y, --yes", "confirm the restore of a prod stack")
    .addHelpText("after", "\nA restore adds and replaces objects; it deletes none. docs/guides/backup.md")
    .action((stack, options) =>
      exit(async () => (require("../backups") as typeof import("../backups.js")).restore(stack, options)),
    );
}
