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
  .action((stack, rest, options) => exit(async () => lifecycle().up(stack, options, rest))());

program
  .command("preview")
  .description("show what up would change")
  .argument(...stackArgument)
  .argument("[pulumi-args...]", "arguments for pulumi preview, after --")
  .action((stack, rest) => exit(async () => lifecycle().preview(stack, rest))());

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
  .description("write signals into a running stack, find them again, and show that tenants are apart")
  .argument(...stackArgument)
  .option("--json", "print the results as JSON")
  .action((stack, { json }) =>
    exit(async () => (require("./smoke") as typeof import("./smoke/index.js")).smoke(stack, Boolean(json)))(),
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
  .command("test")
  .description("run the project's tests, layer by layer")
  .argument("[layers...]", "unit, charts, binaries, examples, engine; without any, all of them")
  .action((layers) =>
    exit(async () => (require("../tests/run") as typeof import("../tests/run.js")).runLayers(layers))(),
  );

program.parseAsync().catch((error: unknown) => {
  // A mistake of the user is a message; anything else is ours and shows where it happened.
  console.error(error instanceof UserError ? `obs: ${error.message}` : error);
  process.exitCode = 1;
});
