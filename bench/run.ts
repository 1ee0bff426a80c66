/**
 * Measures what it costs and how fast it is: medians of several repetitions, ratios within one run.
 *
 * `npm run bench [-- <name>…]`; docs/contributing/benchmarks.md
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { withAbort } from "../cli/lib/abort";
import { connect } from "../cli/lib/cluster";
import { root } from "../cli/lib/stack-config";
import { table } from "../cli/lib/text";
import { kubeConfig } from "../components/kube-config";
import { invalid, parseSettings, UserError } from "../settings";
import {
  type Bench,
  type Benchmark,
  type Result,
  type RunningStack,
  Skipped,
  stackVariable,
  variable,
} from "./benchmark";
import { type Machine, machine, machineText } from "./machine";
import { type About, section, written } from "./page";

const page = join(root, "bench", "results.md");

/** One benchmark's line of `--json`. */
type Ended = { name: string; machine: Machine } & (
  | { result: Result }
  | { skipped: string }
  | { failed: string }
);

const all = (): Benchmark[] =>
  readdirSync(join(__dirname, "benchmarks"))
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => require(join(__dirname, "benchmarks", basename(file, ".ts"))).benchmark as Benchmark);

/** A whole number of the command line. @throws UserError for anything else */
function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UserError(invalid(option, text, `an integer between ${least} and ${most}`));
}

/** A number above 0 of the command line. @throws UserError for anything else */
function multiple(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1000) return value;
  throw new UserError(invalid(option, text, "a number above 0, at most 1000"));
}

let found: Promise<RunningStack> | undefined;
/** The running stack; looked for once. */
const running = (): Promise<RunningStack> => {
  const stack = variable(stackVariable, "it names a running stack, which is measured");
  found ??= connect(stack).then((connected) => ({ stack, ...connected }));
  return found;
};

/** The kubeconfig in force, where there is one that can be read. */
function currentConfig() {
  try {
    return kubeConfig(parseSettings("bench", { environment: "dev" }));
  } catch {
    return undefined;
  }
}

async function measured(benchmark: Benchmark, bench: Bench): Promise<Ended> {
  const { name } = benchmark;
  const about = { name, machine: await machine(currentConfig()) };
  try {
    bench.tell(`${name}: ${benchmark.what}`);
    return { ...about, result: await benchmark.measure(bench) };
  } catch (error) {
    bench.stop.throwIfAborted();
    const { message } = error as Error;
    return { ...about, ...(error instanceof Skipped ? { skipped: message } : { failed: message }) };
  }
}

function print(ended: Ended): void {
  console.log(`\n${ended.name}`);
  if (!("result" in ended)) {
    console.log("failed" in ended ? `FAILED: ${ended.failed}` : `skipped: ${ended.skipped}`);
    return;
  }
  const { tables, notes, skipped } = ended.result;
  console.log(machineText(ended.machine));
  for (const { title, head, rows } of tables) console.log(`\n${title}\n${table([head, ...rows], true)}`);
  for (const note of notes) console.log(`\n${note}`);
  for (const one of skipped) console.log(`\nskipped: ${one}`);
}

/** The command that makes a benchmark's numbers again. */
const commandOf = (
  name: string,
  { repetitions, seconds, scale }: Pick<Bench, "repetitions" | "seconds" | "scale">,
): string =>
  `${process.env[stackVariable] ? `${stackVariable}=<stack> ` : ""}npm run bench -- ${name} --repetitions ${repetitions} --seconds ${seconds}${scale === 1 ? "" : ` --scale ${scale}`}`;

/** @returns the exit code: 1 where a benchmark failed; what was skipped did not fail */
async function bench(names: string[], options: Record<string, string | boolean>): Promise<number> {
  const unknown = names.filter((name) => !all().some((one) => one.name === name));
  if (unknown.length)
    throw new UserError(
      `there is no ${unknown.join(", ")}; there are ${all()
        .map(({ name }) => name)
        .join(", ")}`,
    );
  const numbers = {
    repetitions: whole("--repetitions", String(options["repetitions"]), 1, 100),
    seconds: whole("--seconds", String(options["seconds"]), 10, 3600),
    scale: multiple("--scale", String(options["scale"])),
  };
  if (process.env["OBS_TEST_KUBECONFIG"]) process.env["KUBECONFIG"] = process.env["OBS_TEST_KUBECONFIG"];
  const date = new Date().toISOString().slice(0, 10);
  const tell = (line: string) => console.error(`bench: ${line}`);
  const results: Ended[] = [];
  await withAbort("the benchmark", async (stop) => {
    for (const benchmark of all().filter(({ name }) => !names.length || names.includes(name))) {
      const ended = await measured(benchmark, {
        ...numbers,
        with: options["with"] as string | undefined,
        yes: Boolean(options["yes"]),
        stop,
        tell,
        running,
      });
      results.push(ended);
      if (!options["json"]) print(ended);
      if (!options["write"] || !("result" in ended)) continue;
      const about: About = {
        date,
        command: commandOf(ended.name, numbers),
        machine: machineText(ended.machine),
      };
      writeFileSync(page, written(readFileSync(page, "utf8"), ended.name, section(ended.result, about)));
    }
  });
  if (options["json"]) console.log(JSON.stringify({ date, ...numbers, results }, null, 2));
  return results.some((one) => "failed" in one) ? 1 : 0;
}

const program = new Command("npm run bench --")
  .description(
    "Measures the stack and its program; docs/contributing/benchmarks.md says what each number is.",
  )
  .argument("[names...]", "benchmarks to run; without one all that can be run here")
  .option("--repetitions <number>", "how often each thing is measured", "3")
  .option("--seconds <number>", "how long a measurement of something that goes on lasts", "60")
  .option("--scale <number>", "share or multiple of the data that query writes", "1")
  .option("--with <file>", "measure query with these settings, too: YAML as in the config of a stack")
  .option("--yes", "load a prod stack, too")
  .option("--json", "print all numbers as JSON on stdout; progress is on stderr")
  .option("--write", "write the tables into bench/results.md")
  .addHelpText(
    "after",
    `\nBenchmarks:\n${all()
      .map(({ name, what }) => `  ${name.padEnd(12)}${what}`)
      .join(
        "\n",
      )}\n\nExit codes: 0 nothing failed; 1 a benchmark failed; 2 wrong arguments. What cannot be measured here is skipped, and says why.`,
  )
  .action(async (names: string[], options) => process.exit(await bench(names, options)));

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof UserError ? `bench: ${error.message}` : error);
  process.exit(error instanceof UserError ? 2 : 1);
});
