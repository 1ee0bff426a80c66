import type { KubeConfig } from "@kubernetes/client-node";
import { pins } from "../../../../charts";
import { apiGet, metadataOnly } from "../../../lib/api";
import type { Definition, HelmRelease } from "../../../lib/helm-history";
import { compare, numbersOf } from "../../upgrade/versions";
import type { Check, Finding } from "../check";

/** Annotations in which definitions carry the version of what made them. */
const versionAnnotations = ["operator.prometheus.io/version", "controller-gen.kubebuilder.io/version"];
const operatorVersion = "operator.prometheus.io/version";
const base = { layer: "cluster", page: "docs/operations/troubleshooting.md" } as const;

/** A live definition; its schema is never read. */
export interface Live {
  metadata?: { name?: string; annotations?: Record<string, string> };
}

const older = (live: string | undefined, wanted: string): boolean =>
  live === undefined || (Boolean(numbersOf(live) && numbersOf(wanted)) && compare(live, wanted) < 0);

/** What is wrong with a live definition beside the one that is wanted. */
export function definitionTrouble(
  wanted: Definition & { release: string },
  live: Live | undefined,
  served: string[],
): Finding | undefined {
  const { name, release } = wanted;
  const fix = `./obs refresh, then ./obs up: it installs the definitions of release ${release} anew`;
  if (!live)
    return {
      ...base,
      severity: "critical",
      what: `the definition of custom resources ${name} is missing`,
      evidence: `release ${release} installs it; the cluster has none`,
      fix,
    };
  for (const annotation of versionAnnotations) {
    const version = wanted.annotations[annotation];
    const has = live.metadata?.annotations?.[annotation];
    if (version && older(has, version))
      return {
        ...base,
        severity: "critical",
        what: `the definition of custom resources ${name} is too old: ${has ?? "without a version"}, ${version} is wanted`,
        evidence: `annotation ${annotation}; what its operator writes into newer fields is dropped`,
        fix,
      };
  }
  const missing = wanted.versions.filter((version) => !served.includes(version));
  if (missing.length)
    return {
      ...base,
      severity: "critical",
      what: `the definition of custom resources ${name} is too old: it does not serve ${missing.join(", ")}`,
      evidence: `the API server serves ${served.join(", ") || "none"}; release ${release} brings ${wanted.versions.join(", ")}`,
      fix,
    };
  return undefined;
}

/** Where the stack installs no definitions itself, those of the cluster must be as new as the pinned operator. */
export function foreignTrouble(
  releases: Pick<HelmRelease, "chart" | "name">[],
  live: Live[],
  wanted: Definition[],
): Finding[] {
  if (!releases.some(({ chart }) => chart.name === "kube-prometheus-stack")) return [];
  const version = pins["prometheus-operator-crds"].appVersion;
  return live
    .filter(({ metadata }) => metadata?.name?.endsWith(".monitoring.coreos.com"))
    .filter(({ metadata }) => !wanted.some(({ name }) => name === metadata?.name))
    .filter(({ metadata }) => older(metadata?.annotations?.[operatorVersion], version))
    .map(({ metadata }) => ({
      ...base,
      severity: "warning" as const,
      what: `the definition of custom resources ${metadata?.name} is too old: ${metadata?.annotations?.[operatorVersion] ?? "without a version"}, the operator is ${version}`,
      evidence: `annotation ${operatorVersion}; another owner installed it`,
      fix: "upgrade the installation that it belongs to",
    }));
}

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/** The versions that the API server serves of definitions, by name. */
async function servedVersions(config: KubeConfig, wanted: Definition[]): Promise<Map<string, string[]>> {
  const served = new Map<string, string[]>();
  const groups = new Set(
    wanted.flatMap(({ name, versions }) => versions.map((v) => `${name.slice(name.indexOf(".") + 1)}/${v}`)),
  );
  await Promise.all(
    [...groups].map(async (groupVersion) => {
      const [group, version = ""] = groupVersion.split("/");
      const { body } = await apiGet(config, `/apis/${groupVersion}`).catch((error: { code?: number }) => {
        // A version that is not served at all.
        if (error.code === 404) return { body: { resources: [] } };
        throw error;
      });
      for (const { name } of body.resources)
        served.set(`${name}.${group}`, [...(served.get(`${name}.${group}`) ?? []), version]);
    }),
  );
  return served;
}

/** Definitions of custom resources: all there, and as new as what uses them. */
export const check: Check = {
  name: "definitions",
  async look({ config, cluster }) {
    const releases = await cluster.releases();
    const wanted = releases.flatMap(({ definitions, name: release }) =>
      definitions().map((definition) => ({ ...definition, release })),
    );
    // Their schemas are megabytes, so only metadata is asked for.
    const [{ body }, served] = await Promise.all([
      apiGet(config, path, { accept: metadataOnly }),
      servedVersions(config, wanted),
    ]);
    const items: Live[] = body.items ?? [];
    const found = wanted.map((one) =>
      definitionTrouble(
        one,
        items.find(({ metadata }) => metadata?.name === one.name),
        served.get(one.name) ?? [],
      ),
    );
    return [...found.filter((finding) => finding !== undefined), ...foreignTrouble(releases, items, wanted)];
  },
};
