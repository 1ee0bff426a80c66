/** Commands for a stack that runs: is it well, what does it carry, and how is it kept. */
import type { Command } from "commander";
import { exit, stackArgument } from "./shared";

/** Registers `smoke`, `doctor`, `load`, `dashboards`, `size`, `storage`, `rotate`, `backup`, `restore`. */
export function operationCommands(program: Command): void {
  program
    .command("smoke")
    .description(
      "run ten end-to-end tests against a running stack, from an application to a healed component",
    )
    .argument(...stackArgument)
    .option("--json", "print the results as JSON")
    .option("--disruptive", "also kill an ingester of Loki, and see it heal; skipped without it")
    .addHelpText("after", "\nEnds with 1 where a test failed; a skipped one did not. docs/smoke.md")
    .action((stack, options) =>
      exit(async () => (require("../smoke") as typeof import("../smoke/index.js")).smoke(stack, options)),
    );

  program
    .command("doctor")
    .description("read the cluster and say what is wrong and what to do, worst first; changes nothing")
    .argument(...stackArgument)
    .option("--checklist", "print the infrastructure checklist instead, each line with what was seen")
    .option("--json", "print the findings as JSON")
    .addHelpText("after", "\nExit codes: 0 healthy; 2 something is wrong; 1 it could not be looked at.")
    .action((stack, options) =>
      exit(async () => (require("../doctor") as typeof import("../doctor/index.js")).doctor(stack, options)),
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
      exit(async () => (require("../load") as typeof import("../load/index.js")).load(stack, options)),
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
        (require("../dashboards") as typeof import("../dashboards.js")).askDashboards(stack, Boolean(json)),
      ),
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
      exit(async () => (require("../size") as typeof import("../size.js")).size(stack, given, Boolean(json))),
    );

  program
    .command("storage")
    .description("show what each bucket holds, how it grows, what retention freed, and when it is full")
    .argument(...stackArgument)
    .option("--json", "print the report as JSON; sizes in bytes, times in milliseconds since 1970")
    .action((stack, { json }) =>
      exit(async () =>
        (require("../storage") as typeof import("../storage/index.js")).storage(stack, Boolean(json)),
      ),
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
      exit(async () => (require("../rotate") as typeof import("../rotate.js")).rotate(stack, options)),
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
      exit(async () => (require("../backup") as typeof import("../backup/index.js")).backup(stack, options)),
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
        (require("../backup/restore") as typeof import("../backup/restore.js")).restore(stack, options),
      ),
    );
}
