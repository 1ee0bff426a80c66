/** What Pulumi adds to Helm: previews of new stacks and of one that is there, beside `helm template` of the same charts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runApart } from "../../automation/command";
import { backendEnvironment, onPath, pulumiProgram } from "../../cli/pulumi";
import { record } from "../../cli/record";
import { helmTemplate, type ReleaseInputs, releasesOf, toYaml, whyNot } from "../../cli/render";
import { fileConfig, root } from "../../cli/stack-config";
import { project } from "../../settings";
import { TestStack } from "../../tests/support/pulumi";
import { type Bench, type Benchmark, type Result, Skipped, stackVariable } from "../benchmark";
import { ratio, shortOf, spread } from "../statistics";

const seconds = async (action: () => Promise<unknown>): Promise<number> => {
  const start = Date.now();
  await action();
  return (Date.now() - start) / 1000;
};

/** Something that is timed. */
interface Timed {
  name: string;
  /** The environment whose charts it is held against; Helm's own have none. */
  against?: string;
  run(): Promise<unknown>;
}

/** `helm template` of each of a stack's charts, with the values that the stack has, one after the other. */
async function helm(stack: string, folder: string, stop: AbortSignal): Promise<Timed> {
  const releases = releasesOf(await record(stack, fileConfig(stack)));
  const files = releases.map((release): [ReleaseInputs, string] => {
    const file = join(folder, `${stack}-${release.name}.yaml`);
    writeFileSync(file, toYaml([release.values]));
    return [release, file];
  });
  return {
    name: `helm template of ${stack}'s ${releases.length} charts`,
    async run() {
      for (const [release, file] of files) {
        stop.throwIfAborted();
        await helmTemplate(release, file);
      }
    },
  };
}

/** A preview of a stack that has nothing yet, in a folder and with a backend of its own. */
function fresh(environment: string): TestStack {
  const keys = Object.entries(fileConfig(environment)).map(([key, text]) => [
    key.replace(`${project}:`, ""),
    /^[[{]/.test(text) ? JSON.parse(text) : text,
  ]);
  const stack = new TestStack("bench", process.env["KUBECONFIG"] ?? "", Object.fromEntries(keys));
  const { code, output } = stack.init();
  if (code !== 0) throw new Error(output.trim());
  return stack;
}

const previewed = (stack: TestStack) => async () => {
  const { code, output } = stack.run(["preview", "--suppress-progress"]);
  if (code !== 0) throw new Error(`pulumi preview: ${output.trim().slice(-2000)}`);
};

/** Preview and `up` of the running stack, both without anything to do; nothing is touched where there is something. */
async function unchanged(bench: Bench): Promise<Timed[]> {
  const { stack, settings } = await bench.running();
  const env = {
    ...process.env,
    ...backendEnvironment(stack, settings.environment),
    PULUMI_RUN_PROGRAM: "true",
  };
  const pulumi = async (...args: string[]) => {
    const all = [
      ...args,
      "--stack",
      stack,
      "--non-interactive",
      "--suppress-progress",
      "--expect-no-changes",
    ];
    const { code, stdout, stderr } = await runApart(
      pulumiProgram(),
      all,
      { cwd: root, env },
      { stop: bench.stop },
    );
    if (code !== 0) throw new Error(`pulumi ${args[0]}: ${(stderr || stdout).trim().slice(-2000)}`);
  };
  await pulumi("preview").catch((error: Error) => {
    throw new Skipped(
      `that stack ${stack} has nothing to do was not seen, so it was left alone: ${error.message}`,
    );
  });
  const against = settings.environment;
  return [
    {
      name: `pulumi preview of ${settings.environment}, running, nothing to do`,
      against,
      run: () => pulumi("preview"),
    },
    {
      name: `pulumi up of ${settings.environment}, running, nothing to do`,
      against,
      run: () => pulumi("up", "--yes", "--skip-preview"),
    },
  ];
}

async function measure(bench: Bench): Promise<Result> {
  if (!onPath("pulumi")) throw new Skipped("pulumi is not on PATH");
  if (!process.env["KUBECONFIG"])
    throw new Skipped("KUBECONFIG names no cluster, which the program looks at");
  const folder = mkdtempSync(join(tmpdir(), "observability-bench-"));
  const skipped: string[] = [];
  try {
    const columns: Timed[] = [];
    for (const environment of ["dev", "prod"]) {
      const rendered = await helm(environment, folder, bench.stop);
      // The first time finds out whether it can be done here, and warms the disk.
      await rendered.run().catch((error) => {
        throw new Skipped(whyNot(error));
      });
      columns.push(rendered);
      const name = `pulumi preview of ${environment}, new`;
      const preview = previewed(fresh(environment));
      await preview()
        .then(() => columns.push({ name, against: environment, run: preview }))
        .catch((error: Error) => skipped.push(`${name}: ${error.message}`));
    }
    const more = await unchanged(bench).catch((error: Error) => {
      skipped.push(`the running stack of ${stackVariable}: ${error.message}`);
      return [];
    });
    return { ...(await timed([...columns, ...more], bench)), skipped };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each once in every repetition, so that what slows the machine slows them all. */
async function timed(columns: Timed[], { repetitions, stop, tell }: Bench): Promise<Omit<Result, "skipped">> {
  const took = new Map(columns.map(({ name }) => [name, [] as number[]]));
  for (let repetition = 1; repetition <= repetitions; repetition++)
    for (const { name, run } of columns) {
      stop.throwIfAborted();
      const one = await seconds(run);
      took.get(name)?.push(one);
      tell(`  repetition ${repetition} of ${repetitions}: ${name}: ${one.toFixed(1)} s`);
    }
  const baseOf = (against: string) =>
    columns.find(({ name }) => name.startsWith(`helm template of ${against}'s`))?.name ?? "";
  const rows = columns.map(({ name, against }) => {
    const values = took.get(name) ?? [];
    return [name, spread(values), against ? shortOf(ratio(values, took.get(baseOf(against)) ?? [])) : "1"];
  });
  return {
    tables: [{ title: "Wall time", head: ["what", "seconds", "times helm template"], rows }],
    notes: [],
    measured: Object.fromEntries(took),
  };
}

export const benchmark: Benchmark = {
  name: "preview",
  what: "previews and an up without changes, beside helm template of the same charts; needs charts and a cluster",
  measure,
};
