/**
 * Overhead of Pulumi compared with Helm: previews of new stacks and of an existing one, next to `helm template` of the
 * same charts.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runApart } from "../../automation/command";
import { backendEnvironment, onPath, pulumiProgram } from "../../cli/lib/pulumi";
import { record } from "../../cli/lib/record";
import { failureOf, helmTemplate, releasesOf } from "../../cli/lib/render";
import { fileConfig, root } from "../../cli/lib/stack-config";
import { ApiServer } from "../../tests/support/api-server";
import { furnish } from "../../tests/support/furnish";
import { TestStack } from "../../tests/support/pulumi";
import { freePort } from "../../tests/support/servers";
import { ready } from "../../tests/support/stacks";
import { tool } from "../../tests/support/tools";
import { type Bench, type Benchmark, type Result, Skipped, stackVariable } from "../benchmark";
import { ratio, shortOf, spread } from "../statistics";

/** CPU seconds of all finished child processes and their children; NaN except on Linux. */
function cpuOfChildren(): number {
  if (process.platform !== "linux") return Number.NaN;
  // After the name in parentheses: cutime and cstime, in ticks of 10 ms (proc_pid_stat(5)).
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** CPU and wall time of an action. */
interface Seconds {
  wall: number;
  cpu: number;
}

async function secondsOf(action: () => Promise<unknown>): Promise<Seconds> {
  const [start, cpu] = [Date.now(), cpuOfChildren()];
  await action();
  return { wall: (Date.now() - start) / 1000, cpu: cpuOfChildren() - cpu };
}

/** A timed action. */
interface Timed {
  name: string;
  /** The environment whose charts it is compared with; undefined for Helm's own runs. */
  against?: string;
  run(): Promise<unknown>;
}

/** `helm template` of each of a stack's charts with the stack's values, one after the other. */
async function helm(stack: string, stop: AbortSignal): Promise<Timed> {
  const releases = releasesOf(await record(stack, fileConfig(stack)));
  return {
    name: `helm template of ${stack}'s ${releases.length} charts`,
    async run() {
      for (const release of releases) {
        stop.throwIfAborted();
        await helmTemplate(release);
      }
    },
  };
}

/** A new stack, in its own folder and backend. @param kubeconfig of an empty cluster */
async function fresh(environment: "dev" | "prod", kubeconfig: string): Promise<TestStack> {
  const objectStorage = { minio: { localPort: await freePort() } };
  const stack = new TestStack("bench", kubeconfig, { ...ready(environment), objectStorage });
  const { code, output } = stack.init();
  if (code !== 0) throw new Error(output.trim());
  return stack;
}

/** An API server with the objects that the preflight needs. */
async function emptyCluster(): Promise<ApiServer> {
  const [etcd, server] = [tool("etcd"), tool("kube-apiserver")];
  if (!etcd || !server) throw new Skipped("its empty cluster needs etcd and kube-apiserver");
  const api = await ApiServer.start(etcd, server);
  await furnish(api);
  return api;
}

const previewed = (stack: TestStack) => async () => {
  const { code, output } = stack.run(["preview", "--suppress-progress"]);
  if (code !== 0) throw new Error(`pulumi preview: ${output.trim().slice(-2000)}`);
};

/** Preview and `up` of the running stack without changes; skipped if there are changes to make. */
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
    throw new Skipped(`stack ${stack} may have changes to make, so it was not measured: ${error.message}`);
  });
  const against = settings.environment;
  return [
    {
      name: `pulumi preview of ${settings.environment}, running, no changes`,
      against,
      run: () => pulumi("preview"),
    },
    {
      name: `pulumi up of ${settings.environment}, running, no changes`,
      against,
      run: () => pulumi("up", "--yes", "--skip-preview"),
    },
  ];
}

/** `helm template` of dev and prod, and the previews and renderings of both if there is an empty cluster. */
async function unmade(folder: string, kubeconfig: string | undefined, { stop }: Bench): Promise<Timed[]> {
  const columns: Timed[] = [];
  for (const environment of ["dev", "prod"] as const) {
    const rendered = await helm(environment, stop);
    // The first run checks whether it is possible here, and warms the disk cache.
    await rendered.run().catch((error) => {
      throw new Skipped(failureOf(error));
    });
    columns.push(rendered);
    if (!kubeconfig) continue;
    const preview = previewed(await fresh(environment, kubeconfig));
    await preview();
    columns.push({ name: `pulumi preview of ${environment}, new`, against: environment, run: preview });
    const commands = { render: ["--out", join(folder, environment)], policies: [] };
    for (const [command, options] of Object.entries(commands))
      columns.push({
        name: `./obs ${command} ${environment}`,
        against: environment,
        run: () => promisify(execFile)(join(root, "obs"), [command, environment, ...options], { cwd: root }),
      });
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

/** Each action once per repetition, so that a slower machine affects all of them. */
async function timed(columns: Timed[], { repetitions, stop, tell }: Bench): Promise<Omit<Result, "skipped">> {
  const took = new Map(columns.map(({ name }) => [name, [] as Seconds[]]));
  for (let repetition = 1; repetition <= repetitions; repetition++)
    for (const { name, run } of columns) {
      stop.throwIfAborted();
      const one = await secondsOf(run);
      took.get(name)?.push(one);
      const { cpu, wall } = one;
      tell(
        `  repetition ${repetition} of ${repetitions}: ${name}: ${cpu.toFixed(1)} CPU s, ${wall.toFixed(1)} s`,
      );
    }
  const baseOf = (against: string) =>
    columns.find(({ name }) => name.startsWith(`helm template of ${against}'s`))?.name ?? "";
  const rows = columns.map(({ name, against }) => {
    const [values, bases] = [name, baseOf(against ?? "")].map((one) => took.get(one) ?? []);
    return [
      name,
      ...(["cpu", "wall"] as const).flatMap((kind) => {
        const [all = [], base = []] = [values, bases].map((some) => some?.map((one) => one[kind]));
        return [spread(all), against ? shortOf(ratio(all, base)) : "1"];
      }),
    ];
  });
  const head = ["what", "CPU seconds", "times helm template", "seconds", "times helm template"];
  return {
    tables: [{ title: "CPU time of all processes, and wall time", head, rows }],
    notes: [],
    measured: Object.fromEntries(took),
  };
}

export const benchmark: Benchmark = {
  name: "preview",
  what: "previews and an up without changes, next to helm template of the same charts; needs the charts",
  measure,
};
