/** `npm run ephemeral -- <stack>`: creates a stack, runs its smoke test, and deletes it. */
import { setTimeout as wait } from "node:timers/promises";
import { Command } from "commander";
import { withAbort } from "../cli/lib/abort";
import { invalid, UserError } from "../settings";
import { withStack } from "./ephemeral";

/** Elapsed seconds, as a prefix. */
const started = Date.now();
const tell = (line: string) =>
  console.error(`${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s  ${line}`);

const program = new Command("npm run ephemeral --")
  .description("Creates a dev stack, waits until its smoke test passes, and deletes it again.")
  .argument("<stack>", "name of the stack; without a Pulumi.<stack>.yaml, a dev stack")
  .option("--keep", "keep the stack, even after a failure")
  .option("--existing", "accept an existing stack, which is deleted, too")
  .option("--hold <seconds>", "time between the smoke test and the deletion", "0")
  .option("--smoke-within <seconds>", "timeout of the smoke test", "900")
  .option("--json", "print the outputs as JSON, without the secret ones")
  .addHelpText(
    "after",
    "\nExit codes: 0 the smoke test passed and nothing remains; 1 something failed. Ctrl-C deletes the stack.",
  )
  .action(async (stack: string, options) => {
    const seconds = (name: "hold" | "smokeWithin") => {
      const value = Number(options[name]);
      if (Number.isFinite(value) && value >= 0) return value;
      const option = name === "hold" ? "--hold" : "--smoke-within";
      throw new UserError(invalid(option, options[name], "seconds, 0 or more"));
    };
    const hold = seconds("hold");
    const smokeWithin = seconds("smokeWithin");
    const { keep = false, existing = false } = options;
    await withAbort("the stack's life", (stop) =>
      withStack({ stack, keep, existing, smokeWithin, stop, tell }, async ({ outputs }) => {
        const open = Object.entries(outputs).filter(([, { secret }]) => !secret);
        if (options.json)
          console.log(
            JSON.stringify(Object.fromEntries(open.map(([key, { value }]) => [key, value])), null, 2),
          );
        else tell(`Grafana: ${outputs["grafanaUrl"]?.value}`);
        if (hold) tell(`keeping it for ${hold} s`);
        await wait(hold * 1000, undefined, { signal: stop });
      }),
    );
    if (keep) tell(`kept: ./obs smoke ${stack}, ./obs down ${stack}`);
  });

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof UserError ? `ephemeral: ${error.message}` : error);
  process.exitCode = 1;
});
