/**
 * Mutation test: a sample of small deliberate bugs in settings, values, policies and the doctor, each of which the unit
 * tests that are nearest to it should notice. `npm run test:mutation -- --sample 60 --minutes 15`
 */
import { type ChildProcess, fork } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { distances } from "./graph";
import { type Mutant, mutantsOf } from "./mutants";
import type { Outcome, Task } from "./worker";

const root = join(__dirname, "..", "..");
const areas = ["settings", "values", "policies", "cli/commands/doctor"];
/** Milliseconds of tests for one bug, and until it counts as an endless loop. */
const [budget, endless] = [12_000, 90_000];

const { values: options } = parseArgs({
  options: {
    sample: { type: "string", default: "60" },
    minutes: { type: "string", default: "15" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending) && !file.endsWith(".d.ts"))
    .map((file) => `${folder}/${file}`)
    .sort();

/** A fixed order that looks random: https://en.wikipedia.org/wiki/Lehmer_random_number_generator */
function shuffled<T>(all: T[], seed: number): T[] {
  let state = seed;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
  return all
    .map((one) => ({ one, place: next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

let worker: ChildProcess | undefined;
let runs = 0;

function ask(task: Task): Promise<Outcome> {
  // A process that ran many tests has many modules in its memory.
  if (++runs % 25 === 0) {
    worker?.kill("SIGKILL");
    worker = undefined;
  }
  worker ??= fork(join(__dirname, "worker.ts"), {
    cwd: root,
    execArgv: ["--require", "tsx/cjs"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const asked = worker;
  return new Promise((done) => {
    const finish = (outcome: Outcome) => {
      clearTimeout(timer);
      asked.removeAllListeners();
      done(outcome);
    };
    const dead = (failure: string) => {
      asked.kill("SIGKILL");
      worker = undefined;
      finish({ passed: false, took: endless, failure });
    };
    const timer = setTimeout(() => dead("endless"), endless);
    asked.once("message", finish);
    asked.once("exit", () => dead("the process ended"));
    asked.send(task);
  });
}

async function main(): Promise<void> {
  const end = Date.now() + Number(options.minutes) * 60_000;
  const tests = filesIn("tests/unit", ".test.ts");
  const reaches = new Map(tests.map((test) => [test, distances(root, test)]));
  const took = new Map<string, number>();
  /** Test files that reach a file with the fewest imports, or one more, as many as fit in the budget. */
  async function testsFor(file: string): Promise<string[]> {
    const near = tests
      .map((test) => ({ test, distance: reaches.get(test)?.get(file) ?? Number.POSITIVE_INFINITY }))
      .filter(({ distance }) => Number.isFinite(distance))
      .sort((a, b) => a.distance - b.distance);
    const least = near[0]?.distance ?? 0;
    const chosen: string[] = [];
    let sum = 0;
    for (const { test } of near.filter(({ distance }) => distance <= least + 1)) {
      if (!took.has(test)) {
        const outcome = await ask({ tests: [test] });
        if (!outcome.passed) console.error(`left out, because it fails alone: ${test}: ${outcome.failure}`);
        took.set(test, outcome.passed ? outcome.took : Number.POSITIVE_INFINITY);
      }
      const own = took.get(test) ?? 0;
      if (sum + own > budget) continue;
      sum += own;
      chosen.push(test);
    }
    return chosen;
  }
  const wanted = areas.filter((area) => area.includes(options.only));
  const samples = wanted.map((area) => {
    const all = filesIn(area, ".ts").flatMap((file) =>
      mutantsOf(file, readFileSync(join(root, file), "utf8")),
    );
    return {
      area,
      all: all.length,
      mutants: shuffled(all, Number(options.seed)).slice(0, Number(options.sample)),
    };
  });
  const killed = new Map<string, number>();
  const tried = new Map<string, number>();
  const survivors: Mutant[] = [];
  // One of each area in turn, so that the time limit cuts all samples alike.
  for (let index = 0; index < Number(options.sample) && Date.now() < end; index++)
    for (const { area, mutants } of samples) {
      const mutant = mutants[index];
      if (!mutant || Date.now() > end) continue;
      const chosen = await testsFor(mutant.file);
      const { passed } = await ask({ tests: chosen, mutated: { file: mutant.file, text: mutant.text } });
      tried.set(area, (tried.get(area) ?? 0) + 1);
      if (!passed) killed.set(area, (killed.get(area) ?? 0) + 1);
      else {
        survivors.push(mutant);
        console.log(
          `survived  ${mutant.file}:${mutant.line}  ${mutant.change.slice(0, 100)}  (${chosen.length} test files)`,
        );
      }
    }
  worker?.kill("SIGKILL");
  for (const { area, all } of samples) {
    const [dead, of] = [killed.get(area) ?? 0, tried.get(area) ?? 0];
    console.log(
      `${area}: ${dead} of ${of} noticed (${((100 * dead) / of).toFixed(0)} %), sampled from ${all}`,
    );
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
