/** The commands of `obs`. */
import { Command } from "commander";
import { version } from "../package.json";
import { UserError } from "../settings";

const program = new Command("./obs")
  .version(version)
  .description("Installs and operates a complete Grafana observability stack on a Kubernetes cluster.");

const stackArgument = ["[stack]", "name of the stack, as in Pulumi.<stack>.yaml", "dev"] as const;

// Loaded when a command needs them, so that `--help` is there at once.
const lifecycle = () => require("./lifecycle") as typeof import("./lifecycle.js");

/** Runs an action; its number is the exit code. */
const exit = (action: () => Promise<number>) => async () => {
  process.exitCode = await action();
};

program
  .command("up")
  .description("create or update a stack")
  .argument(...stackArgument)
  .argument("[pulumi-args...]", "arguments for pulumi up, after --")
  .option("-y, --yes", "do not ask (a dev stack never asks)")
  .option("--policies", "hold it to the rules of policies/, as a prod stack always is")
  .option("--no-policies", "do not, also where it is a prod stack")
  .action((stack, rest, options) => exit(async () => lifecycle().up(stack, options, rest))());

program
  .command("preview")
  .description("show what up would change")
  .argument(...stackArgument)
  .argument("[pulumi-args...]", "arguments for pulumi preview, after --")
  .option("--policies", "hold it to the rules of policies/, as a prod stack always is")
  .option("--no-policies", "do not, also where it is a prod stack")
  .action((stack, rest, options) => exit(async () => lifecycle().preview(stack, options, rest))());

program
  .command("refresh")
  .description("compare a stack's state with what is really there")
  .argument(...stackArgument)
  .argument("[pulumi-args...]", "arguments for pulumi refresh, after --")
  .option("-y, --yes", "do not ask")
  .action((stack, rest, options) => exit(async () => lifecycle().refresh(stack, options, rest))());

program
  .command("down")
  .description("delete a stack's resources")
  .argument(...stackArgument)
  .argument("[pulumi-args...]", "arguments for pulumi destroy, after --")
  .option("-y, --yes", "do not ask")
  .action((stack, rest, options) => exit(async () => lifecycle().down(stack, options, rest))());

program
  .command("smoke")
  .description("run ten end-to-end tests against a running stack, from an application to a healed component")
  .argument(...stackArgument)
  .option("--json", "print the results as JSON")
  .option("--disruptive", "also kill an ingester of Loki, and see it heal; skipped without it")
  .addHelpText("after", "\nEnds with 1 where a test failed; a skipped one did not. docs/smoke.md")
  .action((stack, options) =>
    exit(async () => (require("./smoke") as typeof import("./smoke/index.js")).smoke(stack, options))(),
  );

program
  .command("doctor")
  .description("read the cluster and say what is wrong and what to do, worst first; changes nothing")
  .argument(...stackArgument)
  .option("--checklist", "print the infrastructure checklist instead, each line with what was seen")
  .option("--json", "print the findings as JSON")
  .addHelpText("after", "\nExit codes: 0 healthy; 2 something is wrong; 1 it could not be looked at.")
  .action((stack, options) =>
    exit(async () => (require("./doctor") as typeof import("./doctor/index.js")).doctor(stack, options))(),
  );

program
  .command("load")
  .description(
    "load a running stack in steps, and tell what it sustains, how soon signals are found, and at what cost",
  )
  .argument(...stackArgument)
  .option("--logs <rate>", "lines a second in the last step; 0 leaves logs out", "200")
  .option(
    "--series <count>",
    "active series in the last step, a sample each every 15 s; 0 leaves metrics out",
    "3000",
  )
  .option("--spans <rate>", "spans a second in the last step; 0 leaves traces out", "100")
  .option(
    "--queries <rate>",
    "queries a second in the last step, a third each of LogQL, PromQL, TraceQL",
    "3",
  )
  .option("--steps <count>", "steps in which the rates rise", "4")
  .option("--duration <seconds>", "how long each step lasts", "60")
  .option("--keep", "leave namespace load-test and its Job there")
  .option("--json", "print the results as JSON")
  .option("-y, --yes", "load a prod stack, too")
  .action((stack, options) =>
    exit(async () => (require("./load") as typeof import("./load/index.js")).load(stack, options))(),
  );

program
  .command("dashboards")
  .description(
    "ask every query of every dashboard through Grafana, and tell which panels would be empty (dev)",
  )
  .argument(...stackArgument)
  .option("--json", "print the queries that fail or give nothing as JSON")
  .action((stack, { json }) =>
    exit(async () =>
      (require("./dashboards") as typeof import("./dashboards.js")).askDashboards(stack, Boolean(json)),
    )(),
  );

program
  .command("size")
  .description(
    "what a load needs by the upstream projects' published formulas, held against a stack's settings; without a load, what the settings carry",
  )
  .argument(...stackArgument)
  .option("--series <count>", "series at a time, such as 1M")
  .option("--samples <rate>", "samples, such as 100k/s; without it each series every scrape interval")
  .option("--queries <rate>", "queries of metrics, such as 5/s; without it 5/s for each million series")
  .option("--logs <volume>", "log lines, such as 1TB/day")
  .option("--spans <rate>", "spans, such as 20k/s")
  .option("--nodes <number>", "nodes of the cluster")
  .option("--json", "print it as JSON")
  .addHelpText(
    "after",
    "\nWhat is not given is taken from the setting load. Ends with 1 where something is too small. docs/sizing.md",
  )
  .action((stack, { json, ...given }) =>
    exit(async () => (require("./size") as typeof import("./size.js")).size(stack, given, Boolean(json)))(),
  );

program
  .command("storage")
  .description("show what each bucket holds, how it grows, what retention freed, and when it is full")
  .argument(...stackArgument)
  .option("--json", "print the report as JSON; sizes in bytes, times in milliseconds since 1970")
  .action((stack, { json }) =>
    exit(async () =>
      (require("./storage") as typeof import("./storage/index.js")).storage(stack, Boolean(json)),
    )(),
  );

program
  .command("rotate")
  .description(
    "give the gateways' users new passwords without losing a signal; goes on where it was interrupted",
  )
  .argument(...stackArgument)
  .option("--keep-old", "stop before the old passwords end, until other stacks have fetched theirs")
  .option("--wait <seconds>", "time for every client to find its new password", "180")
  .option("-y, --yes", "do not ask (a dev stack never asks)")
  .action((stack, options) =>
    exit(async () => (require("./rotate") as typeof import("./rotate.js")).rotate(stack, options))(),
  );

program
  .command("backup")
  .description("save what cannot be made anew: state, keys, buckets, Grafana's database")
  .argument(...stackArgument)
  .requiredOption("-o, --out <folder>", "folder to save to; one with an earlier backup gets what is new")
  .option("--only <parts>", "state, keys, buckets, grafana, with commas between them")
  .option("--no-flush", "copy the buckets as they are, without what the ingesters still hold")
  .option(
    "--restart-ingesters",
    "restart Loki's ingesters one by one, so that the newest half hour is in it, too",
  )
  .option("--json", "print the manifest as JSON")
  .action((stack, options) =>
    exit(async () => (require("./backup") as typeof import("./backup/index.js")).backup(stack, options))(),
  );

program
  .command("restore")
  .description("put a backup back, and say what comes next")
  .argument(...stackArgument)
  .requiredOption("-f, --from <folder>", "folder with the backup")
  .option("--only <parts>", "state, keys, buckets, grafana, with commas between them")
  .option("--overwrite", "also where buckets have data, or the stack has a state")
  .option("--from-stack <name>", "name of the stack that the backup is of, where it is another one")
  .option("--keys-out <file>", "write the decrypted keys to a file")
  .option("-y, --yes", "do not ask")
  .option("--json", "print what was done and what comes next as JSON")
  .action((stack, options) =>
    exit(async () =>
      (require("./backup/restore") as typeof import("./backup/restore.js")).restore(stack, options),
    )(),
  );

program
  .command("render")
  .description("write what a stack would install to files, without an engine or a cluster")
  .argument("<stack>", "name of the stack, as in Pulumi.<stack>.yaml")
  .requiredOption("-o, --out <folder>", "folder to write to")
  .option("--json", "print what was written as JSON")
  .action((stack, { out, json }) =>
    exit(async () => {
      const { render } = require("./render") as typeof import("./render.js");
      const { files, skipped } = await render(stack, out);
      if (json) console.log(JSON.stringify({ files, skipped }, null, 2));
      else for (const line of [...files, ...skipped.map((s) => `skipped ${s}`)]) console.log(line);
      return 0;
    })(),
  );

program
  .command("policies")
  .description("hold a stack, and what its charts make, against the rules of policies/")
  .argument(...stackArgument)
  .option("--json", "print the findings as JSON")
  .addHelpText(
    "after",
    "\nExit codes: 0 nothing mandatory is broken; 2 something is; 1 a release could not be looked into. docs/policies.md",
  )
  .action((stack, options) =>
    exit(async () => (require("./policies") as typeof import("./policies.js")).policies(stack, options))(),
  );

program
  .command("diff")
  .description("what the changes since a commit do to the objects that a stack installs, without a cluster")
  .argument(...stackArgument)
  .option("--base <ref>", "branch, tag or commit to compare with; without it where this branch left main")
  .option("--base-charts <folder>", "charts of that commit, where OBS_CHARTS or charts.mirror lacks them")
  .option("--json", "print it as JSON")
  .option("--markdown", "print it as Markdown for a comment, 65,536 characters at most")
  .addHelpText(
    "after",
    "\nSecrets are hidden, and what is random in each rendering is left out.\n" +
      "Exit codes: 0 no difference; 2 differences; 1 an error, or a release that could not be compared.",
  )
  .action((stack, options) =>
    exit(async () => (require("./diff") as typeof import("./diff/index.js")).diff(stack, options))(),
  );

program
  .command("review")
  .description("what a pull request's reviewer sees of a stack: preview, policies, diff; written as JSON")
  .argument(...stackArgument)
  .requiredOption("-o, --out <folder>", "folder to write <stack>.json to")
  .option("--base <ref>", "branch, tag or commit to compare with; without it where this branch left main")
  .option("--policy-pack <folders...>", "policy packs", ["policies"])
  .option("--against <words>", "what to call the backend and cluster in use", "the stack's state")
  .action((stack, options) =>
    exit(async () => (require("./review") as typeof import("./review/index.js")).review(stack, options))(),
  );

program
  .command("comment")
  .description("print the comment that tells all reviews of a folder, in Markdown")
  .argument("<folder>", "folder that ./obs review wrote to")
  .option("--commit <hash>", "commit that was looked at", "the working tree")
  .action((folder, { commit }) =>
    exit(async () =>
      (require("./review") as typeof import("./review/index.js")).printComment(folder, commit),
    )(),
  );

program
  .command("deployments")
  .description(
    "check a stack's settings for Pulumi Deployments, Pulumi.<stack>.deploy.yaml, and print or apply them",
  )
  .argument(...stackArgument)
  .option("--apply", "replace the settings in Pulumi Cloud by these; needs PULUMI_ACCESS_TOKEN")
  .option("--org <organization>", "with --apply: organization in Pulumi Cloud")
  .action((stack, options) =>
    exit(async () =>
      (require("./deployments") as typeof import("./deployments.js")).deployments(stack, options),
    )(),
  );

program
  .command("mirror")
  .description("name, fetch and push every chart and image of a stack, for a site without a way out")
  .argument("<action>", "list, pull or push")
  .argument(...stackArgument)
  .option("-o, --out <folder>", "pull: folder for charts and images; what is there already is skipped")
  .option("-f, --from <folder>", "push: folder that pull wrote")
  .option("--to <registry>", "push: registry host, optionally with a path; images keep path and tag")
  .option("--only <kind>", "pull, push: charts or images alone")
  .option("--plain-http", "push: the registry speaks HTTP")
  .option("--print", "pull, push: print the commands and run none")
  .option("--digests", "list: ask the registries for each image's digest")
  .option("--json", "list: print it as JSON")
  .addHelpText(
    "after",
    "\nCharts go by helm, images by crane or skopeo, whichever is on PATH. docs/air-gapped.md",
  )
  .action((action, stack, options) =>
    exit(async () =>
      (require("./mirror") as typeof import("./mirror/index.js")).mirror(action, stack, options),
    )(),
  );

program
  .command("upgrade")
  .description("tell which charts can be upgraded and what would break, or grow volumes")
  .argument(...stackArgument)
  .option("--check", "compare charts.json with the repositories, and the cluster with the charts")
  .option("--official", "with --check: ask the official repositories even where a mirror is set")
  .option("--volumes", "grow volumes to the size of their settings, where up alone cannot")
  .option("-y, --yes", "with --volumes: do not ask (a dev stack never asks)")
  .option("--json", "print what was found as JSON")
  .addHelpText(
    "after",
    "\nExit codes of --check: 0 up to date; 2 something newer is allowed, or a field differs that cannot change;\n" +
      "1 nothing of that, but a repository did not answer.",
  )
  .action((stack, options) =>
    exit(async () => {
      const upgrade = require("./upgrade") as typeof import("./upgrade/index.js");
      if (options.check === options.volumes) {
        console.error(upgrade.usage);
        return 1;
      }
      return options.check ? upgrade.check(stack, options) : upgrade.growVolumes(stack, options);
    })(),
  );

program
  .command("test")
  .description("run the project's tests, layer by layer")
  .argument(
    "[layers...]",
    "unit, charts, binaries, examples, policies, engine, docs; without any, all of them",
  )
  .action((layers) =>
    exit(async () => (require("../tests/run") as typeof import("../tests/run.js")).runLayers(layers))(),
  );

program.parseAsync().catch((error: unknown) => {
  // A mistake of the user is a message; anything else is ours and shows where it happened.
  console.error(error instanceof UserError ? `obs: ${error.message}` : error);
  process.exitCode = 1;
});
