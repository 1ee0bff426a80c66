/** `obs upgrade`: what newer charts there are, what they would break, and volumes that grow. */
import { type ChartName, chartMirror, pins } from "../../../charts";
import { kubeConfig } from "../../../components/kube-config";
import { readFacts, requireFacts } from "../../../components/preflight/facts";
import type { Settings } from "../../../settings";
import { workloadVolumes } from "../../../values/volumes";
import { locate, look } from "../../lib/cluster";
import { record } from "../../lib/record";
import { releasesOf } from "../../lib/render";
import { fileConfig } from "../../lib/stack-config";
import { type Compared, compareLive } from "./live";
import { type MimirSteps, mimirLines, mimirState } from "./mimir";
import { repositories } from "./repositories";
import { type ChartReport, reportOf } from "./versions";
import { carryOut, planLines, planOf } from "./volumes";

/** What a check found. */
export interface Check {
  stack: string;
  charts: ChartReport[];
  /** The comparison with the cluster, or why there is none. */
  cluster: (Compared & { mimir?: MimirSteps | undefined }) | { reason: string };
}

/**
 * Asks the repositories about every chart; one that does not answer does not keep the others from being asked.
 *
 * @param official whether the official repositories are asked even where a mirror stands in for them
 */
export async function chartReports(settings: Settings, official: boolean): Promise<ChartReport[]> {
  const offers = repositories();
  const mirror = official ? undefined : chartMirror(settings);
  const reports = (Object.keys(pins) as ChartName[]).map(async (chart): Promise<ChartReport> => {
    const { repository, version } = pins[chart];
    try {
      return await reportOf(chart, await offers(chart, mirror ?? repository));
    } catch (error) {
      return { chart, pinned: version, notes: [], unreachable: (error as Error).message };
    }
  });
  return Promise.all(reports);
}

/** Compares what the pinned charts render with the cluster, or says why that was not done. */
async function clusterCheck(stack: string): Promise<Check["cluster"]> {
  const { settings, cluster } = await look(stack);
  if ("reason" in cluster) return { reason: `no cluster answers: ${cluster.reason}` };
  console.error(`obs: comparing with ${cluster.version}`);
  try {
    const config = kubeConfig(settings);
    const mimir = await mimirState(stack, settings, config);
    const releases = releasesOf(await record(stack, fileConfig(stack)));
    return { ...(await compareLive(config, releases, (name) => console.error(`obs: ${name}`))), mimir };
  } catch (error) {
    const { message, cause } = error as Error;
    return { reason: cause instanceof Error ? cause.message : message };
  }
}

/**
 * The exit code: 2 where there is something to do (a newer version that the project can go to, a step of Mimir, or a field
 * that cannot change), 1 where nothing is known to be but not everything could be asked, 0 where all is up to date.
 */
export function exitCode({ charts, cluster }: Check): 0 | 1 | 2 {
  const differs =
    "differences" in cluster && (cluster.differences.length > 0 || Boolean(cluster.mimir?.steps.length));
  if (differs || charts.some(({ allowed }) => allowed)) return 2;
  return charts.some(({ unreachable }) => unreachable) ? 1 : 0;
}

/** A table of texts, columns as wide as they must be. */
function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A check for people. */
export function lines({ charts, cluster }: Check): string[] {
  const rows = charts.map(({ chart, pinned, unreachable, patch, minor, allowed, newest, newestApp }) => {
    const last = newest && newestApp ? `${newest} (${newestApp})` : newest;
    return [
      chart,
      pinned,
      ...[patch, minor, allowed, last].map((each) => (unreachable ? "?" : (each ?? "-"))),
    ];
  });
  const said = charts.flatMap(({ chart, notes, unreachable }) => [
    ...(unreachable ? [`${chart}: not reached: ${unreachable}`] : []),
    ...notes.map((note) => `${chart}: ${note}`),
  ]);
  return [
    ...table([["chart", "pinned", "patch", "minor", "allowed", "newest"], ...rows]),
    ...(said.length ? ["", ...said] : []),
    "",
    ...clusterLines(cluster),
  ];
}

const shown = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function clusterLines(cluster: Check["cluster"]): string[] {
  if ("reason" in cluster) return [`not compared with a cluster: ${cluster.reason}`];
  const { objects, differences, skipped, mimir } = cluster;
  return [
    ...(mimir ? mimirLines(mimir) : []),
    ...skipped.map((line) => `not compared with the cluster: ${line}`),
    differences.length
      ? `${differences.length} fields that cannot change differ on the cluster; up would fail:`
      : `${objects} objects on the cluster compared: no field that cannot change differs`,
    ...differences.flatMap(({ object, field, before, after, todo }) => [
      `  ${object} ${field}: is ${shown(before)}, would be ${shown(after)}`,
      `    ${todo}`,
    ]),
  ];
}

/** `upgrade --check`. @returns the exit code */
export async function check(stack: string, options: { json?: boolean; official?: boolean }): Promise<number> {
  const { settings } = await look(stack);
  const charts = await chartReports(settings, Boolean(options.official));
  const result: Check = { stack, charts, cluster: await clusterCheck(stack) };
  if (options.json) console.log(JSON.stringify({ ...result, exitCode: exitCode(result) }, null, 2));
  else for (const line of lines(result)) console.log(line);
  return exitCode(result);
}

/** `upgrade --volumes`. @returns the exit code */
export async function growVolumes(
  stack: string,
  { yes, json }: { yes?: boolean; json?: boolean },
): Promise<number> {
  const { settings, environment } = await locate(stack);
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  const live = requireFacts(await readFacts(config, settings, ["statefulSets", "claims"]), [
    "statefulSets",
    "claims",
  ]);
  const plan = planOf(workloadVolumes(settings), live);
  const nothing = plan.grow.length + plan.remove.length === 0;
  const go = !nothing && (yes || settings.environment === "dev");
  if (!json) for (const line of planLines(plan)) console.log(line);
  if (go) await carryOut(config, plan, (step) => console.error(`obs: ${step}`));
  if (json) console.log(JSON.stringify({ stack, ...plan, done: Boolean(go) }, null, 2));
  else if (nothing) console.log("every volume is as large as its setting says");
  else if (go) console.log(`\nrun ./obs up ${stack} now: it makes the StatefulSets anew with the new size`);
  else console.log("\nnothing was done: add --yes to do it");
  return 0;
}

/** What `upgrade` is for, where neither was asked for. */
export const usage = [
  "obs: upgrade wants to know what to do:",
  "  ./obs upgrade --check [stack]      what newer charts there are and what they would break; changes nothing",
  "  ./obs upgrade --volumes [stack]    grows volumes to the size of their settings, where up alone cannot",
  "To move a chart: change its version in charts.json, check again, then ./obs preview and ./obs up; docs/guides/upgrades.md",
].join("\n");
