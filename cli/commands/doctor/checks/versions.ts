import { type KubeConfig, VersionApi } from "@kubernetes/client-node";
import { satisfies, validRange } from "semver";
import { type ChartName, pins, versionOf } from "../../../../charts";
import { pastSupport, supportText } from "../../../../policies/rules/deprecated";
import type { Settings } from "../../../../settings";
import type { HelmRelease } from "../../../lib/helm-history";
import { compare, numbersOf } from "../../upgrade/versions";
import type { Check, Finding } from "../check";

const base = { layer: "drift", page: "docs/guides/upgrades.md" } as const;

/** The version of each chart in a stack. */
export const pinnedVersions = (settings: Settings): Record<string, string> =>
  Object.fromEntries((Object.keys(pins) as ChartName[]).map((name) => [name, versionOf(name, settings)]));

/** Releases that are not what is pinned, or that Helm did not end well. */
export function releaseFindings(
  releases: Pick<HelmRelease, "name" | "namespace" | "status" | "revision" | "chart">[],
  pinned: Record<string, string>,
): Finding[] {
  return releases.flatMap(({ name, namespace, status, revision, chart }): Finding[] => {
    const findings: Finding[] = [];
    if (status !== "deployed")
      findings.push({
        ...base,
        severity: "warning",
        what: `release ${namespace}/${name} is ${status}`,
        evidence: `revision ${revision} in Helm's Secret`,
        fix: status.startsWith("pending")
          ? `helm -n ${namespace} history ${name}; where no update runs: helm -n ${namespace} rollback ${name}`
          : "./obs up",
      });
    const wanted = pinned[chart.name];
    if (wanted && wanted !== chart.version)
      findings.push({
        ...base,
        severity: "note",
        what: `release ${namespace}/${name} has chart ${chart.name} ${chart.version}; ${wanted} is pinned`,
        evidence: "the chart in Helm's Secret, and charts.json",
        fix:
          compare(chart.version, wanted) < 0
            ? "./obs up"
            : "check out the version of this project that was installed",
      });
    return findings;
  });
}

/** Whether a version of Kubernetes is within the range of a chart. A range that is not valid allows every version. */
export function allows(range: string, version: string): boolean {
  // Helm separates terms with commas, too.
  const terms = validRange(range.replaceAll(",", " "));
  return terms === null || satisfies(numbersOf(version) ?? version, terms, { includePrerelease: true });
}

/** Whether the cluster's version is one that the charts allow, and that its nodes go with. */
export function kubernetesFindings(
  server: string,
  nodes: { name: string; kubelet: string }[],
  releases: Pick<HelmRelease, "name" | "chart">[],
): Finding[] {
  const outside = releases
    .filter(({ chart }) => chart.kubeVersion && !allows(chart.kubeVersion, server))
    .map(({ name, chart }) => ({
      ...base,
      severity: "warning" as const,
      what: `chart ${chart.name} ${chart.version} of release ${name} is not made for Kubernetes ${server}`,
      evidence: `its kubeVersion is ${chart.kubeVersion}`,
      fix: "move the pin to a version that is (./obs upgrade --check), or keep the cluster within its range",
    }));
  const minor = (version: string) => numbersOf(version)?.minor ?? 0;
  // https://kubernetes.io/releases/version-skew-policy/: never newer, at most three minor versions older.
  const skewed = nodes
    .filter(
      ({ kubelet }) =>
        numbersOf(kubelet) && (minor(kubelet) > minor(server) || minor(server) - minor(kubelet) > 3),
    )
    .map(({ name, kubelet }) => ({
      ...base,
      layer: "cluster" as const,
      severity: "warning" as const,
      what: `node ${name} runs kubelet ${kubelet}, which does not go with the API server's ${server}`,
      evidence: "a kubelet may be up to three minor versions older than the API server, and not newer",
      fix: "upgrade the older of the two",
    }));
  return [...outside, ...skewed];
}

/** Images of running pods that get no fixes on a day. */
export function supportFindings(images: string[], today: string): Finding[] {
  const parts = images.map((image) => /^(.*):([^:@/]+)(?:@.*)?$/.exec(image));
  const found = parts.flatMap((part) => pastSupport(part?.[1] ?? "", part?.[2] ?? "", today) ?? []);
  const byText = new Map(found.map((one) => [supportText(one), one]));
  return [...byText].map(([what, { link }]) => ({
    ...base,
    severity: "note",
    what,
    evidence: `images of running pods, and the policy at ${link}`,
    fix: "./obs upgrade --check",
  }));
}

const serverVersion = async (config: KubeConfig) =>
  (await config.makeApiClient(VersionApi).getCode()).gitVersion;

/** Releases against the pins, images against the support table, and Kubernetes against charts and kubelets. */
export const check: Check = {
  name: "versions",
  async look({ config, cluster, settings }) {
    const [releases, nodes, server, pods] = await Promise.all([
      cluster.releases(),
      cluster.nodes(),
      serverVersion(config),
      cluster.pods(),
    ]);
    const kubelets = nodes.map(({ metadata, status }) => ({
      name: metadata?.name ?? "",
      kubelet: status?.nodeInfo?.kubeletVersion ?? "",
    }));
    const images = pods.flatMap(({ spec }) => (spec?.containers ?? []).map(({ image }) => image ?? ""));
    return [
      ...supportFindings([...new Set(images)], new Date().toISOString().slice(0, 10)),
      ...releaseFindings(releases, pinnedVersions(settings)),
      ...kubernetesFindings(server, kubelets, releases),
    ];
  },
};
