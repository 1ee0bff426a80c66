/** The source of each chart: its pin in `charts.json`, or a mirror that replaces the official repositories. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import pins from "./charts.json";
import { type Problem, type Settings, SettingsError } from "./settings";
import { mimirPin } from "./settings/mimir-steps";

export type ChartName = keyof typeof pins;
export { pins };

/** The version of a chart in a stack: its pin, or for Mimir the upgrade step that the stack has reached. */
export const versionOf = (name: ChartName, settings: Settings): string =>
  name === "mimir-distributed" ? mimirPin(settings).version : pins[name].version;

/** The oldest Kubernetes that every pinned chart supports: the highest lower bound of their `kubeVersion`. */
export const minimumKubernetes = "1.32";

/** The source of a chart for Helm: the fields that `helm template` and Pulumi's Release have in common. */
export interface ChartSource {
  /** Name, path or oci:// reference. */
  chart: string;
  /** Version; omitted for a folder or package, which contains exactly one version. */
  version?: string;
  /** URL of the chart repository, if `chart` is a name. */
  repository?: string;
}

/** Whether a place of charts is a repository, and not a folder. */
export const isRemote = (place: string) => /^(https?|oci):\/\//.test(place);

/** A chart in a repository. @param version a version, or a range of versions */
export function fromRepository(name: ChartName, version: string, repository: string): ChartSource {
  return repository.startsWith("oci://")
    ? { chart: `${repository.replace(/\/$/, "")}/${name}`, version }
    : { chart: name, version, repository };
}

/**
 * The chart in a folder of chart folders (`loki/Chart.yaml`) or packages (`loki-1.2.3.tgz`); an error message
 * if it is missing.
 */
function fromFolder(name: ChartName, version: string, folder: string): ChartSource | string {
  const packaged = join(folder, `${name}-${version}.tgz`);
  if (existsSync(packaged)) return { chart: resolve(packaged) };
  const manifest = join(folder, name, "Chart.yaml");
  if (!existsSync(manifest)) return `neither ${name}/ nor ${name}-${version}.tgz is there`;
  const found = parse(readFileSync(manifest, "utf8")).version;
  return found === version ? { chart: resolve(folder, name) } : `${name}/ is version ${found}`;
}

/** The chart mirror in use: `OBS_CHARTS` in the environment, else the setting `charts.mirror`. */
export const chartMirror = ({ charts }: Settings): string | undefined =>
  process.env["OBS_CHARTS"] || charts.mirror;

const allCharts = Object.keys(pins) as ChartName[];

/**
 * The sources of charts; by default, of all charts.
 *
 * @param stack the stack's name, for messages; undefined if a program defines the settings
 * @throws SettingsError with each chart that a mirror folder lacks or has in another version
 */
export function chartSources<Name extends ChartName = ChartName>(
  stack: string | undefined,
  settings: Settings,
  charts: readonly Name[] = allCharts as Name[],
): Record<Name, ChartSource> {
  const mirror = chartMirror(settings);
  const place = process.env["OBS_CHARTS"]
    ? { path: "OBS_CHARTS", change: "change it with: export OBS_CHARTS=<folder>, or unset it" }
    : { path: "charts.mirror" };
  const problems: Problem[] = [];
  const sources = charts.map((name) => {
    const version = versionOf(name, settings);
    if (!mirror || isRemote(mirror))
      return [name, fromRepository(name, version, mirror ?? pins[name].repository)] as const;
    const found = fromFolder(name, version, mirror);
    if (typeof found !== "string") return [name, found] as const;
    const allowed = `a folder that holds ${name} ${version}: ${found}`;
    problems.push({ ...place, was: mirror, allowed });
    return [name, { chart: name }] as const;
  });
  if (problems.length) throw new SettingsError(stack, problems);
  return Object.fromEntries(sources) as Record<Name, ChartSource>;
}
