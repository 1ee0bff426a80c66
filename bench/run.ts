/**
 * Measures resource usage and speed: medians of several repetitions, and ratios within one run.
 *
 * `npm run bench [-- <name>…]`; bench/README.md
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

/** The result of one benchmark in `--json`. */
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

/** An integer argument. @throws UserError for any other text */
function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UserError(invalid(option, text, `an integer between ${least} and ${most}`));
}

/** A positive number as argument. @throws UserError for any other text */
function multiple(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1000) return value;
  throw new UserError(invalid(option, text, "a number above 0, at most 1000"));
}

let found: Promise<RunningStack> | undefined;
/** The running stack; read once. */
const running = (): Promise<RunningStack> => {
  const stack = variable(stackVariable, "it must be a running stack, which is measured");
  found ??= connect(stack).then((connected) => ({ stack, ...connected }));
  return found;
};

/** The current kubeconfig, if it can be read. */
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

/** The command that reproduces a benchmark's numbers. */
const commandOf = (
  name: string,
  { repetitions, seconds, scale }: Pick<Bench, "repetitions" | "seconds" | "scale">,
): string =>
  `${process.env[stackVariable] ? `${stackVariable}=<stack> ` : ""}npm run bench -- ${name} --repetitions ${repetitions} --seconds ${seconds}${scale === 1 ? "" : ` --scale ${scale}`}`;

/** @returns the exit code: 1 if a benchmark failed; skipped ones do not count */
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
  .description("Measures the stack and its program; bench/README.md explains the results.")
  .argument("[names...]", "benchmarks to run; default: all that can run here")
  .option("--repetitions <number>", "number of repetitions", "3")
  .option("--seconds <number>", "duration of a continuous measurement", "60")
  .option("--scale <number>", "multiple of the data that query writes", "1")
  .option("--with <file>", "also measure query with these settings: YAML as in a stack's configuration")
  .option("--yes", "load a prod stack, too")
  .option("--json", "print all numbers as JSON on stdout; progress is on stderr")
  .option("--write", "write the tables to bench/results.md")
  .addHelpText(
    "after",
    `\nBenchmarks:\n${all()
      .map(({ name, what }) => `  ${name.padEnd(12)}${what}`)
      .join(
        "\n",
      )}\n\nExit codes: 0 no benchmark failed; 1 a benchmark failed; 2 invalid arguments. Benchmarks that cannot run here are skipped, with the reason.`,
  )
  .action(async (names: string[], options) => process.exit(await bench(names, options)));

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof UserError ? `bench: ${error.message}` : error);
  process.exit(error instanceof UserError ? 2 : 1);
});
