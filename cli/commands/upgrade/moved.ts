/** Before `up` and `preview`: a chart whose pin has moved must not change what cannot change. */
import { AppsV1Api, type KubeConfig } from "@kubernetes/client-node";
import { type ChartName, pins, versionOf } from "../../../charts";
import { kubeConfig } from "../../../components/kube-config";
import { namespaces } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { record } from "../../lib/record";
import { releasesOf } from "../../lib/render";
import { fileConfig } from "../../lib/stack-config";
import { type Compared, compareLive } from "./live";

/** What a workload in the cluster says about where it comes from. */
export interface Origin {
  metadata?: { annotations?: Record<string, string>; labels?: Record<string, string> };
}

/** Chart and version of a label such as `loki-1.2.3`, where the chart is one of ours. */
function pinnedChart(label: string, settings: Settings): { pinned: string; live: string } | undefined {
  const found = (Object.keys(pins) as ChartName[]).find(
    (name) => label.startsWith(`${name}-`) && /^\d/.test(label.slice(name.length + 1)),
  );
  return found && { pinned: versionOf(found, settings), live: label.slice(found.length + 1) };
}

/** The releases that were installed from another version of their chart than the pinned one. */
export function movedReleases(workloads: Origin[], settings: Settings): Set<string> {
  const moved = workloads.flatMap(({ metadata }) => {
    const release = metadata?.annotations?.["meta.helm.sh/release-name"];
    // Charts write their version into one or the other.
    const label = metadata?.labels?.["helm.sh/chart"] ?? metadata?.labels?.["chart"] ?? "";
    const chart = pinnedChart(label, settings);
    return release && chart && chart.live !== chart.pinned.replace("+", "_") ? [release] : [];
  });
  return new Set(moved);
}

/** What runs pods in the stack's namespaces. */
async function workloadsOf(config: KubeConfig, settings: Settings): Promise<Origin[]> {
  const api = config.makeApiClient(AppsV1Api);
  const lists = Object.values(namespaces(settings)).flatMap((namespace): Promise<{ items: Origin[] }>[] => [
    api.listNamespacedDeployment({ namespace }),
    api.listNamespacedStatefulSet({ namespace }),
    api.listNamespacedDaemonSet({ namespace }),
  ]);
  return (await Promise.all(lists)).flatMap(({ items }) => items);
}

/** The error for fields that cannot change. */
export const stuck = ({ differences }: Compared): string =>
  `${differences.length === 1 ? "1 field" : `${differences.length} fields`} of what is installed cannot be changed by an upgrade; nothing was touched.\n` +
  differences
    .map(({ object, field, todo }) => `  ${object}: ${field} differs in the pinned chart\n    ${todo}\n`)
    .join("") +
  "    or put the old version back into charts.json; docs/guides/upgrades.md has more";

/**
 * Renders the releases whose chart has moved and compares them with the cluster. Where nothing has moved, nothing is
 * rendered; what cannot be compared is said on stderr and left to Helm.
 *
 * @param environment what commands that reach the cluster need in their environment
 * @throws UserError with each field that cannot change, and what to do
 */
export async function assertUpgradable(
  stack: string,
  settings: Settings,
  environment: Record<string, string>,
): Promise<void> {
  Object.assign(process.env, environment);
  const compared = await (async () => {
    const config = kubeConfig(settings);
    const moved = movedReleases(await workloadsOf(config, settings), settings);
    if (moved.size === 0) return undefined;
    const releases = releasesOf(await record(stack, fileConfig(stack))).filter(({ name }) => moved.has(name));
    return compareLive(config, releases, (name) => console.error(`obs: ${name} has another chart version`));
  })().catch((error: Error) => {
    if (error instanceof UserError) throw error;
    console.error(`obs: fields that cannot change were not compared: ${error.message}`);
    return undefined;
  });
  for (const line of compared?.skipped ?? []) console.error(`obs: not compared: ${line}`);
  if (compared?.differences.length) throw new UserError(stuck(compared));
}
