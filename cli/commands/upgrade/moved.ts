/** Before `up` and `preview`: a dry run of the releases whose chart has another version than the installed one. */
import { type ChartName, pins, versionOf } from "../../../charts";
import { reasonOf } from "../../../components/preflight/facts";
import { namespaces } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import { type HelmRelease, readReleases } from "../../lib/helm-history";
import { record } from "../../lib/record";
import { releasesOf } from "../../lib/render";
import { fileConfig } from "../../lib/stack-config";
import { type DryRun, dryRun } from "./dry-run";

/** Names of the releases that were installed with another version of their chart than the pinned one. */
export const movedReleases = (
  installed: Pick<HelmRelease, "name" | "chart">[],
  settings: Settings,
): Set<string> =>
  new Set(
    installed
      .filter(
        ({ chart }) => chart.name in pins && chart.version !== versionOf(chart.name as ChartName, settings),
      )
      .map(({ name }) => name),
  );

/** The error for objects that cannot be updated. */
export const refusedText = ({ refused }: DryRun): string =>
  "the cluster refuses objects of the pinned charts; no changes were made:\n" +
  refused.map(({ object, message, fix }) => `  ${object}: ${message}\n    ${fix}\n`).join("") +
  "    or restore the old version in charts.json; docs/guides/upgrades.md#immutable-fields";

/** Checks the releases whose chart version has changed. @throws UserError with each refused object and its fix */
export async function assertUpgradable(stack: string, { settings, config }: Connection): Promise<void> {
  const result = await (async () => {
    const installed = await readReleases(config, new Set(Object.values(namespaces(settings))));
    const moved = movedReleases(installed, settings);
    if (moved.size === 0) return undefined;
    const releases = releasesOf(await record(stack, fileConfig(stack))).filter(({ name }) => moved.has(name));
    return dryRun(config, releases, (name) => console.error(`obs: ${name} has another chart version`));
  })().catch((error: Error) => {
    if (error instanceof UserError) throw error;
    console.error(`obs: the chart versions were not checked: ${reasonOf(error)}`);
    return undefined;
  });
  for (const line of result?.skipped ?? []) console.error(`obs: not checked: ${line}`);
  if (result?.refused.length) throw new UserError(refusedText(result));
}
