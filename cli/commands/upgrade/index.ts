/** `obs upgrade`: newer charts, objects that the cluster rejects, and larger volumes. */
import { type ChartName, chartMirror, isRemote, pins } from "../../../charts";
import { chooseStep, liveMimir, mimirFindings } from "../../../components/preflight/checks/mimir-version";
import { reasonOf, requireFacts } from "../../../components/preflight/facts";
import { readFacts } from "../../../components/preflight/read-facts";
import type { Settings } from "../../../settings";
import { mimirPin, mimirSteps, stepOf } from "../../../settings/mimir-steps";
import { problemText } from "../../../settings/problem-text";
import { workloadVolumes } from "../../../values/volumes";
import { type Connection, connect, look } from "../../lib/cluster";
import { record } from "../../lib/record";
import { releasesOf } from "../../lib/render";
import { requireOwnNamespaces } from "../../lib/same-cluster";
import { fileConfig } from "../../lib/stack-config";
import { table } from "../../lib/text";
import { type DryRun, dryRun } from "./dry-run";
import { type ChartReport, newestIn, reportOf } from "./versions";
import { applyPlan, planLines, planOf } from "./volumes";

/** Result of a check. */
export interface Check {
  stack: string;
  charts: ChartReport[];
  /** The dry run on the cluster, or why there is none. */
  cluster: (DryRun & { mimir?: Mimir | undefined }) | { reason: string };
}

/**
 * Compares every chart with its repository; one that does not respond does not affect the others.
 *
 * @param official whether to query the official repositories even if a mirror is configured; a folder has no newer charts
 */
export function chartReports(settings: Settings, official: boolean): Promise<ChartReport[]> {
  const mirror = official ? undefined : chartMirror(settings);
  const place = mirror && isRemote(mirror) ? mirror : undefined;
  const reports = (Object.keys(pins) as ChartName[]).map((chart): Promise<ChartReport> => {
    const { repository, version } = pins[chart];
    return reportOf(chart, (range) => newestIn(chart, place ?? repository, range)).catch((error: Error) => ({
      chart,
      pinned: version,
      notes: [],
      unreachable: error.message,
    }));
  });
  return Promise.all(reports);
}

type Mimir = NonNullable<Awaited<ReturnType<typeof mimirOf>>>;

/**
 * Mimir's installed version, its chart's steps to the newest one, and why `up` rejects the version in the settings or warns
 * about it; undefined if Mimir does not run.
 */
async function mimirOf(stack: string, { settings, config }: Connection) {
  const needs = ["statefulSets", "gossip"] as const;
  const facts = requireFacts(await readFacts(config, settings, needs), needs);
  const live = liveMimir(settings, facts);
  if (live === undefined) return undefined;
  const steps = mimirSteps.slice(stepOf(live) + 1).map((chartVersion) => {
    const { version, image } = mimirPin({ mimir: { chartVersion } });
    return { chart: version, image };
  });
  const problems = mimirFindings(stack, settings, facts).map((finding) => problemText(stack, finding));
  return { live, steps, problems };
}

/** Runs the pinned charts against the cluster without changes, or says why that is not possible. */
async function clusterCheck(
  stack: string,
  { settings, cluster }: Awaited<ReturnType<typeof look>>,
): Promise<Check["cluster"]> {
  if ("reason" in cluster) return { reason: `no cluster responds: ${cluster.reason}` };
  console.error(`obs: dry run on ${cluster.version}`);
  try {
    const mimir = await mimirOf(stack, { settings, config: cluster.config });
    const releases = releasesOf(await record(stack, fileConfig(stack)));
    return {
      ...(await dryRun(cluster.config, releases, (name) => console.error(`obs: ${name}`))),
      mimir,
    };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/**
 * The exit code: 2 if there is something to do (a newer allowed version, a step of Mimir, a refused object), 1 if a
 * repository did not respond, else 0.
 */
export function exitCode({ charts, cluster }: Check): 0 | 1 | 2 {
  const todo = "refused" in cluster && (cluster.refused.length > 0 || Boolean(cluster.mimir?.steps.length));
  if (todo || charts.some(({ allowed }) => allowed)) return 2;
  return charts.some(({ unreachable }) => unreachable) ? 1 : 0;
}

/** A check as text. */
export function lines({ stack, charts, cluster }: Check): string[] {
  const rows = charts.map(({ chart, pinned, unreachable, patch, minor, allowed, newest, newestApp }) => {
    const last = newest && newestApp ? `${newest} (${newestApp})` : newest;
    return [chart, pinned, ...[patch, minor, allowed, last].map((one) => (unreachable ? "?" : (one ?? "-")))];
  });
  const remarks = charts.flatMap(({ chart, notes, unreachable }) => [
    ...(unreachable ? [`${chart}: no response: ${unreachable}`] : []),
    ...notes.map((note) => `${chart}: ${note}`),
  ]);
  return [
    table([["chart", "pinned", "patch", "minor", "allowed", "newest"], ...rows]),
    ...(remarks.length ? ["", ...remarks] : []),
    "",
    ...clusterLines(stack, cluster),
  ];
}

function mimirLines(stack: string, { live, steps, problems }: Mimir): string[] {
  const [next, ...later] = steps;
  if (!next) return [`Mimir runs chart version ${live}; no step is left`, ...problems];
  const then = later.map(({ chart }) => chart).join(", ");
  return [
    `Mimir runs chart version ${live}. Next step: ${next.chart} (${next.image})`,
    `    ${chooseStep(stack, next.chart)} && ./obs up ${stack}`,
    ...(then ? [`    then ${then}; docs/guides/upgrades.md#mimir`] : []),
    ...problems,
  ];
}

function clusterLines(stack: string, cluster: Check["cluster"]): string[] {
  if ("reason" in cluster) return [`no dry run on a cluster: ${cluster.reason}`];
  const { accepted, refused, skipped, mimir } = cluster;
  return [
    ...(mimir ? mimirLines(stack, mimir) : []),
    ...skipped.map((line) => `no dry run: ${line}`),
    `the cluster accepts ${accepted} objects of the pinned charts and rejects ${refused.length}`,
    ...refused.flatMap(({ object, message, fix }) => [`  ${object}: ${message}`, `    ${fix}`]),
  ];
}

/** `upgrade --check`. @returns the exit code */
export async function check(stack: string, options: { json?: boolean; official?: boolean }): Promise<number> {
  const looked = await look(stack);
  const charts = await chartReports(looked.settings, Boolean(options.official));
  const result: Check = { stack, charts, cluster: await clusterCheck(stack, looked) };
  if (options.json) console.log(JSON.stringify({ ...result, exitCode: exitCode(result) }, null, 2));
  else console.log(lines(result).join("\n"));
  return exitCode(result);
}

/** `upgrade --volumes`. @returns the exit code */
export async function growVolumes(
  stack: string,
  { yes, json }: { yes?: boolean; json?: boolean },
): Promise<number> {
  const { settings, config } = await connect(stack);
  await requireOwnNamespaces(stack, { settings, config });
  const needs = ["statefulSets", "claims"] as const;
  const live = requireFacts(await readFacts(config, settings, needs), needs);
  const plan = planOf(workloadVolumes(settings), live);
  const nothing = plan.grow.length + plan.remove.length === 0;
  const go = !nothing && (yes || settings.environment === "dev");
  if (!json) for (const line of planLines(plan)) console.log(line);
  if (go) await applyPlan(config, plan, (step) => console.error(`obs: ${step}`));
  if (json) console.log(JSON.stringify({ stack, ...plan, done: Boolean(go) }, null, 2));
  else if (nothing) console.log("every volume has the size in the settings");
  else if (go) console.log(`\nRun ./obs up ${stack} now: it recreates the StatefulSets with the new size`);
  else console.log("\nNo changes were made. Add --yes to make them");
  return 0;
}
