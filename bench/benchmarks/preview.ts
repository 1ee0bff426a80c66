/** What Pulumi adds to Helm: previews of new stacks and of one that is there, beside `helm template` of the same charts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runApart } from "../../automation/command";
import { backendEnvironment, onPath, pulumiProgram } from "../../cli/lib/pulumi";
import { record } from "../../cli/lib/record";
import { helmTemplate, type ReleaseInputs, releasesOf, toYaml, whyNot } from "../../cli/lib/render";
import { fileConfig, root } from "../../cli/lib/stack-config";
import { project } from "../../settings";
import { ApiServer } from "../../tests/support/api-server";
import { TestStack } from "../../tests/support/pulumi";
import { tool } from "../../tests/support/tools";
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

/** A stack that has nothing yet, in a folder and with a backend of its own. @param kubeconfig of an empty cluster */
function fresh(environment: string, kubeconfig: string): TestStack {
  const keys = Object.entries(fileConfig(environment)).map(([key, text]) => [
    key.replace(`${project}:`, ""),
    /^[[{]/.test(text) ? JSON.parse(text) : text,
  ]);
  const stack = new TestStack("bench", kubeconfig, Object.fromEntries(keys));
  const { code, output } = stack.init();
  if (code !== 0) throw new Error(output.trim());
  return stack;
}

/** An API server that has nothing, not even nodes: no more of a cluster does the preview of a new stack ask. */
async function emptyCluster(): Promise<ApiServer> {
  const [etcd, server] = [tool("etcd"), tool("kube-apiserver")];
  if (!etcd || !server)
    throw new Skipped("there is no etcd or no kube-apiserver, which are its empty cluster");
  return ApiServer.start(etcd, server);
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

/** `helm template` of dev and prod, and the previews of both where there is an empty cluster. */
async function unmade(folder: string, kubeconfig: string | undefined, { stop }: Bench): Promise<Timed[]> {
  const columns: Timed[] = [];
  for (const environment of ["dev", "prod"]) {
    const rendered = await helm(environment, folder, stop);
    // The first time finds out whether it can be done here, and warms the disk.
    await rendered.run().catch((error) => {
      throw new Skipped(whyNot(error));
    });
    columns.push(rendered);
    if (!kubeconfig) continue;
    const preview = previewed(fresh(environment, kubeconfig));
    await preview();
    columns.push({ name: `pulumi preview of ${environment}, new`, against: environment, run: preview });
  }
  return columns;
}

async function measure(bench: Bench): Promise<Result> {
  if (!onPath("pulumi")) throw new Skipped("pulumi is not on PATH");
  const folder = mkdtempSync(join(tmpdir(), "observability-bench-"));
  const skipped: string[] = [];
  /** Notes why a part cannot be measured. */
  const leftOut = (what: string) => (error: Error) => {
    if (!(error instanceof Skipped)) throw error;
    skipped.push(`${what}: ${error.message}`);
    return undefined;
  };
  const empty = await emptyCluster().catch(leftOut("previews of new stacks"));
  try {
    const columns = await unmade(folder, empty?.kubeconfig(), bench);
    const more = await unchanged(bench).catch(leftOut(`the running stack of ${stackVariable}`));
    return { ...(await timed([...columns, ...(more ?? [])], bench)), skipped };
  } finally {
    await empty?.stop();
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
  what: "previews and an up without changes, beside helm template of the same charts; needs the charts",
  measure,
};
