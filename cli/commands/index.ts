/** The command line of `obs`: its commands in the order of the help. A command is loaded when it runs, so help is fast. */
import { Command, Option } from "commander";
import { version } from "../../package.json";
import { invalid, UserError } from "../../settings";

const load = {
  backup: () => require("./backup") as typeof import("./backup/index.js"),
  coverage: () => require("./coverage") as typeof import("./coverage/index.js"),
  dashboards: () => require("./dashboards") as typeof import("./dashboards/index.js"),
  diff: () => require("./diff") as typeof import("./diff/index.js"),
  doctor: () => require("./doctor") as typeof import("./doctor/index.js"),
  get: () => require("./get") as typeof import("./get/index.js"),
  lifecycle: () => require("./lifecycle") as typeof import("./lifecycle/index.js"),
  load: () => require("./load") as typeof import("./load/index.js"),
  mirror: () => require("./mirror") as typeof import("./mirror/index.js"),
  policies: () => require("./policies") as typeof import("./policies/index.js"),
  render: () => require("../lib/render") as typeof import("../lib/render.js"),
  rotate: () => require("./rotate") as typeof import("./rotate/index.js"),
  size: () => require("./size") as typeof import("./size/index.js"),
  smoke: () => require("./smoke") as typeof import("./smoke/index.js"),
  storage: () => require("./storage") as typeof import("./storage/index.js"),
  upgrade: () => require("./upgrade") as typeof import("./upgrade/index.js"),
};

/** Commands on the first screen of the help. */
const everyday = ["up", "preview", "down", "smoke", "doctor", "size", "backup", "upgrade"];

const stackArgument = ["[stack]", "name of the stack, as in Pulumi.<stack>.yaml", "dev"] as const;

/** An action that gets a command's arguments and options, and returns the exit code. */
const exit =
  // biome-ignore lint/suspicious/noExplicitAny: the command declares them
    (action: (...given: any[]) => number | Promise<number>) =>
    async (...given: unknown[]): Promise<void> => {
      process.exitCode = await action(...given);
    };

/** An option with a number. @param form of its text. @default a whole number @throws UserError outside its limits */
const number = (
  flags: string,
  description: string,
  [least, most]: [number, number],
  initial: number,
  form = /^\d+$/,
): Option =>
  new Option(flags, description).default(initial).argParser((text) => {
    const value = form.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const kind = form.test("0.5") ? "number" : "whole number";
    throw new UserError(invalid(flags.split(" ")[0] ?? "", text, `a ${kind} from ${least} to ${most}`));
  });

/** An action that passes arguments to Pulumi. */
const pulumiAction = (name: "up" | "preview" | "refresh" | "down") =>
  exit((stack: string, rest: string[], options) => {
    // Without a stack, the first argument after -- is in its place.
    const [target, passed] = stack.startsWith("-") ? [stackArgument[2], [stack, ...rest]] : [stack, rest];
    return load.lifecycle()[name](target, options, passed);
  });

/** The command line, ready to parse arguments. */
export function commandLine(): Command {
  const program = new Command("./obs")
    .version(version)
    .description("Installs and operates a complete Grafana observability stack on Kubernetes.")
    .configureHelp({
      visibleCommands: ({ commands }) => commands.filter((command) => everyday.includes(command.name())),
    })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "obs: ")) });
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .argument(...stackArgument);
  const pulumiCommand = (name: string, description: string, of = name) =>
    command(name, description).argument("[pulumi-args...]", `arguments for pulumi ${of}, after --`);

  program.commandsGroup("Install:");

  pulumiCommand("up", "create or update a stack")
    .option("-y, --yes", "skip the confirmation, which dev stacks do not require")
    .option("--policies", "check the policy pack (default for prod stacks)")
    .option("--no-policies", "skip policy checks, even for prod stacks")
    .action(pulumiAction("up"));

  pulumiCommand("preview", "show the changes that up would make")
    .option("--policies", "check the policy pack (default for prod stacks)")
    .option("--no-policies", "skip policy checks, even for prod stacks")
    .action(pulumiAction("preview"));

  pulumiCommand("refresh", "update a stack's state from the cluster and MinIO")
    .option("-y, --yes", "skip the confirmation")
    .action(pulumiAction("refresh"));

  pulumiCommand("down", "delete a stack's resources", "destroy")
    .option("-y, --yes", "skip the confirmation")
    .action(pulumiAction("down"));

  program.commandsGroup("Check health:");

  command("smoke", "run end-to-end tests against a running stack")
    .option("--json", "print the results as JSON")
    .option("--disruptive", "also kill a Loki ingester and wait until it recovers")
    .addHelpText("after", "\nExits 1 if a test fails; skipped tests do not count. docs/operations/smoke.md")
    .action(exit((stack, options) => load.smoke().smoke(stack, options)));

  command("doctor", "report problems with evidence and a fix, root causes first")
    .option("--no-probe", "create no pod: do not test whether NetworkPolicies are enforced")
    .option("--json", "print the findings as JSON")
    .addHelpText("after", "\nExit codes: 0 healthy; 2 findings; 1 the cluster could not be checked.")
    .action(exit((stack, options) => load.doctor().doctor(stack, options)));

  command(
    "dashboards",
    "run the queries of this stack's dashboards at the gateways, and list failed and empty ones",
  )
    .option("--json", "print the failed and empty queries as JSON")
    .action(exit((stack, { json }) => load.dashboards().queryDashboards(stack, Boolean(json))));

  command(
    "coverage",
    "list queries, alerts and autoscalers without data, with the reason, and unused metrics",
  )
    .option("--all", "also list queries without data now, such as errors that did not happen")
    .addOption(number("--hours <number>", "time range of the stored metrics", [1, 8760], 1))
    .addOption(number("--top <number>", "rows of each table", [1, 10_000], 20))
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nCost: reads all dashboards, rules and autoscalers of the cluster, and sends Prometheus and Mimir one series query for each\n" +
        "distinct selector in them, 8 at a time, over --hours. Mimir reads only its ingesters. Do not run it on a schedule.\n\n" +
        "Exit codes: 0 nothing is blocked; 2 a setting, a monitor or the data source blocks a query; 1 the cluster could not\n" +
        "be checked. docs/operations/empty-panels.md",
    )
    .action(exit((stack, options) => load.coverage().coverage(stack, options)));

  program
    .command("get")
    .description("print the response of a Service or pod of a stack to an HTTP GET request")
    .argument("<stack>", "name of the stack, as in Pulumi.<stack>.yaml")
    .argument("<url>", "<Service or pod>.<namespace>:<port>/<path>, such as loki-ingester-0.loki:3100/ready")
    .addHelpText(
      "after",
      "\nThe request goes through a port-forward, so NetworkPolicies do not block it, and uses the TLS of the pod.\n" +
        "Exits 1 if the status is not 2xx. Some paths change something, such as /ingester/shutdown.",
    )
    .action(exit((stack, url) => load.get().get(stack, url)));

  program.commandsGroup("Plan capacity:");

  command(
    "load",
    "load a running stack in steps; report throughput, ingestion-to-query latency and resource usage",
  )
    .addOption(
      number("--logs <rate>", "log lines per second in the last step; 0 disables logs", [0, 1e6], 200),
    )
    .addOption(
      number(
        "--series <count>",
        "active series in the last step, one sample every 15 s each; 0 disables metrics",
        [0, 1e7],
        3000,
      ),
    )
    .addOption(
      number("--spans <rate>", "spans per second in the last step; 0 disables traces", [0, 1e6], 100),
    )
    .addOption(
      number(
        "--queries <rate>",
        "queries per second in the last step, one third each of LogQL, PromQL, TraceQL",
        [0, 1000],
        3,
        /^\d+(\.\d+)?$/,
      ),
    )
    .addOption(number("--steps <count>", "number of steps", [1, 20], 4))
    .addOption(number("--duration <seconds>", "duration of each step", [10, 3600], 60))
    .option("--keep", "keep namespace load-test and its Job until the next load test")
    .option("--json", "print the results as JSON")
    .option("-y, --yes", "confirm the load on a prod stack")
    .action(exit((stack, options) => load.load().load(stack, options)));

  command(
    "size",
    "compare a stack's settings with the required capacity for a load; without a load, show the maximum load of the settings",
  )
    .option("--series <count>", "active series, such as 1M")
    .option("--samples <rate>", "samples, such as 100k/s (default: one per series and scrape interval)")
    .option("--queries <rate>", "metric queries, such as 5/s (default: 5/s per million series)")
    .option("--logs <volume>", "log lines, such as 1TB/day")
    .option("--spans <rate>", "spans, such as 20k/s")
    .option("--nodes <number>", "nodes of the cluster")
    .option("--write", "write the sizes for the load into Pulumi.<stack>.yaml")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nOmitted options default to the settings in load. Exits 1 if a component is too small. docs/guides/sizing.md",
    )
    .action(exit((stack, { json, write, ...given }) => load.size().size(stack, given, { json, write })));

  command("storage", "show size, growth and time until full of each bucket")
    .option("--json", "print the report as JSON, sizes in bytes")
    .action(exit((stack, { json }) => load.storage().storage(stack, Boolean(json))));

  program.commandsGroup("Maintain:");

  command("rotate", "rotate the gateways' passwords without data loss; resumes after an interruption")
    .option("--keep-old", "stop before the old passwords are revoked, until other stacks use the new ones")
    .addOption(
      number("--wait <seconds>", "time for clients to switch to their new password", [0, 86_400], 180),
    )
    .option("-y, --yes", "confirm the rotation of a prod stack")
    .action(exit((stack, options) => load.rotate().rotate(stack, options)));

  command("backup", "start a backup now, follow its log, and exit with its result")
    .option("--only <part>", "buckets or grafana")
    .addHelpText("after", "\nBackups run on a schedule: backups.schedule. docs/guides/backup.md")
    .action(exit((stack, options) => load.backup().backup(stack, options)));

  command("restore", "restore the buckets and Grafana's database from the backup")
    .option("--only <part>", "buckets or grafana")
    .option("--before <time>", "restore the state before this time (UTC), within backups.keepDeleted")
    .option("--take-over", "restore a copy of other buckets, which are lost, and continue that copy")
    .option("-y, --yes", "confirm the restore of a prod stack")
    .addHelpText("after", "\nA restore adds and replaces objects; it deletes none. docs/guides/backup.md")
    .action(exit((stack, options) => load.backup().restore(stack, options)));

  program
    .command("mirror")
    .description("list all charts and images for an air-gapped installation")
    .argument("<action>", "list")
    .argument(...stackArgument)
    .option("--charts", "print a line for each chart: name or oci:// reference, version, repository")
    .option("--images", "print a line for each image: the image, its path in the mirror")
    .option("--json", "print the list as JSON")
    .addHelpText(
      "after",
      "\nNeeds helm and the charts. docs/guides/air-gapped.md copies the listed charts and images with helm and crane.",
    )
    .action(exit((action, stack, options) => load.mirror().mirror(action, stack, options)));

  command("upgrade", "check for chart upgrades and breaking changes, or grow volumes")
    .option(
      "--check",
      "compare charts.json with the repositories, and run the charts against the cluster as a dry run",
    )
    .option("--official", "with --check: query the official repositories even if a mirror is configured")
    .option("--volumes", "grow volumes to the size in the settings, if up alone cannot")
    .option("-y, --yes", "with --volumes: make the changes to a prod stack, which are only listed without it")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExit codes of --check: 0 up to date; 2 a newer version is allowed, or the cluster rejects an object, because of an\n" +
        "immutable field; 1 a repository did not respond.\nTo move a chart, change its version in charts.json: docs/guides/upgrades.md",
    )
    .action(
      exit((stack, options) => {
        if (options.check === options.volumes)
          throw new UserError(`upgrade needs --check or --volumes: ./obs upgrade --check ${stack}`);
        const { check, growVolumes } = load.upgrade();
        return options.check ? check(stack, options) : growVolumes(stack, options);
      }),
    );

  program.commandsGroup("Review changes:");

  program
    .command("render")
    .description("write the objects that a stack installs to files; needs neither Pulumi nor a cluster")
    .argument("<stack>", "name of the stack, as in Pulumi.<stack>.yaml")
    .requiredOption("-o, --out <folder>", "folder to write to")
    .option("--json", "print what was written as JSON")
    .action(
      exit(async (stack, { out, json }) => {
        const { files, skipped } = await load.render().render(stack, out);
        if (json) console.log(JSON.stringify({ files, skipped }, null, 2));
        else for (const file of files) console.log(file);
        for (const line of skipped) console.error(`obs: not rendered: ${line}`);
        return skipped.length ? 1 : 0;
      }),
    );

  command("policies", "check a stack and the objects of its charts against the policy pack")
    .option("--json", "print the findings as JSON")
    .addHelpText(
      "after",
      "\nExit codes: 0 no mandatory violation; 2 mandatory violations; 1 a release could not be checked. docs/reference/policies.md",
    )
    .action(exit((stack, options) => load.policies().policies(stack, options)));

  command("diff", "show how the objects that a stack installs have changed since a commit; needs no cluster")
    .option("--base <ref>", "branch, tag or commit to compare with (default: the merge base with main)")
    .option(
      "--base-charts <folder>",
      "charts of that commit, if OBS_CHARTS or charts.mirror does not have them",
    )
    .option("--json", "print the differences as JSON")
    .option("--markdown", "print the differences as Markdown for a comment, at most 40,000 characters")
    .addHelpText(
      "after",
      "\nValues of Secrets are hidden; values that are random in each rendering are left out.\n" +
        "Exit codes: 0 no difference; 2 differences; 1 an error, or a release that could not be compared.",
    )
    .action(exit((stack, options) => load.diff().diff(stack, options)));

  const others = program.commands.map((one) => one.name()).filter((name) => !everyday.includes(name));
  return program.addHelpText(
    "after",
    `\nMore commands: ${others.join(", ")}\n` +
      "Options of a command: ./obs <command> --help. All commands: docs/reference/commands.md\n\n" +
      "Start with: ./obs up, then ./obs smoke.",
  );
}
