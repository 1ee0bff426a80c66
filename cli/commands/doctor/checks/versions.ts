import { type ChartName, pins, versionOf } from "../../../../charts";
import { pastSupport, supportText } from "../../../../policies/rules/deprecated";
import type { Settings } from "../../../../settings";
import type { HelmRelease } from "../../../lib/helm-history";
import { compare } from "../../upgrade/versions";
import { type Check, type Finding, findingIn } from "../check";

const finding = findingIn("drift", "docs/guides/upgrades.md");

/** The version of each chart in a stack. */
const pinnedVersions = (settings: Settings): Record<string, string> =>
  Object.fromEntries((Object.keys(pins) as ChartName[]).map((name) => [name, versionOf(name, settings)]));

/** Releases that differ from the pins, or whose last Helm operation failed. */
export function releaseFindings(
  releases: Pick<HelmRelease, "name" | "namespace" | "status" | "revision" | "chart">[],
  pinned: Record<string, string>,
): Finding[] {
  return releases.flatMap(({ name, namespace, status, revision, chart }): Finding[] => {
    const wanted = pinned[chart.name] ?? chart.version;
    const rollback = `helm -n ${namespace} history ${name}; if no update runs: helm -n ${namespace} rollback ${name}`;
    const failed = finding.warning(
      `release ${namespace}/${name} is ${status}`,
      `revision ${revision} in Helm's Secret`,
      status.startsWith("pending") ? rollback : "./obs up",
    );
    const other = finding.note(
      `release ${namespace}/${name} has chart ${chart.name} ${chart.version}; ${wanted} is pinned`,
      "the chart in Helm's Secret, and charts.json",
      compare(chart.version, wanted) < 0
        ? "./obs up"
        : "check out the version of this project that was installed",
    );
    return [...(status === "deployed" ? [] : [failed]), ...(wanted === chart.version ? [] : [other])];
  });
}

/** Images of running pods that get no more fixes on a day. */
export function supportFindings(images: string[], today: string): Finding[] {
  const found = images.flatMap((image) => {
    const [, name = "", tag = ""] = /^(.*):([^:@/]+)(?:@.*)?$/.exec(image) ?? [];
    return pastSupport(name, tag, today) ?? [];
  });
  const byText = new Map(found.map((one) => [supportText(one), one]));
  return [...byText].map(([what, { link }]) =>
    finding.note(what, `images of running pods, and the policy at ${link}`, "./obs upgrade --check"),
  );
}

/** Releases against the pins, and images against the support table. */
export const check: Check = {
  name: "versions",
  async look({ cluster, settings }) {
    const [releases, pods] = await Promise.all([cluster.releases(), cluster.pods()]);
    const images = pods.flatMap(({ spec }) => (spec?.containers ?? []).map(({ image }) => image ?? ""));
    return [
      ...supportFindings([...new Set(images)], new Date().toISOString().slice(0, 10)),
      ...releaseFindings(releases, pinnedVersions(settings)),
    ];
  },
};
