import { namespaces, releases } from "../../../names";
import type { Settings } from "../../../settings";
import { mimirPin, mimirSteps, newestMimirStep, stepOf } from "../../../settings/mimir-steps";
import { type Check, error, type Finding, warning } from "../check";
import type { Facts } from "../facts";

const path = "mimir.chartVersion";
const page = "docs/guides/upgrades.md#mimir";

/** The facts that determine the running version of Mimir. */
export type MimirFacts = Pick<Facts, "statefulSets" | "gossip">;

/**
 * Chart version of Mimir's ingesters, or of another StatefulSet after `upgrade --volumes` deleted that of the ingesters;
 * undefined if there are none.
 */
export function liveMimir(settings: Settings, { statefulSets }: MimirFacts): string | undefined {
  const own = statefulSets.flatMap(({ metadata }) => {
    const version = /^mimir-distributed-(\d+\.\d+\.\d+)/.exec(metadata?.labels?.["helm.sh/chart"] ?? "")?.[1];
    return version && metadata?.namespace === namespaces(settings).mimir
      ? [{ name: metadata.name, version }]
      : [];
  });
  return (own.find(({ name }) => name === `${releases.mimir}-ingester`) ?? own[0])?.version;
}

/** The command that selects a step; the newest one is the default. */
export const chooseStep = (stack: string, step: string): string =>
  step === newestMimirStep
    ? `pulumi config rm --stack ${stack} --path '${path}'`
    : `pulumi config set --stack ${stack} --path '${path}' ${step}`;

/** Whether an upgrade from the running version of Mimir to the configured one is supported. */
export function mimirFindings(stack: string, settings: Settings, facts: MimirFacts): Finding[] {
  const live = liveMimir(settings, facts);
  if (live === undefined) return [];
  const was = settings.mimir.chartVersion;
  const [at, wanted] = [stepOf(live), mimirSteps.indexOf(mimirPin(settings).version)];
  const runs = `Mimir runs chart version ${live}`;
  if (at === mimirSteps.length) {
    const allowed = `${live}, the running chart version of Mimir, which this release of the project does not include`;
    return [error({ path, was, allowed, change: "Check out the release of the project that installed it" })];
  }
  if (Math.abs(wanted - at) > 1) {
    const next = mimirSteps[at + Math.sign(wanted - at)] ?? "";
    const allowed = `${next}: ${runs}, and it can upgrade only one step at a time; ${page}`;
    const change = `Run: ${chooseStep(stack, next)}; then run ./obs up ${stack}, and continue with the next step`;
    return [error({ path, was, allowed, change })];
  }
  if (wanted < at) {
    const allowed = `${mimirSteps[at]}: ${runs}, and upstream does not guarantee that an older version can read its data`;
    const change = `Roll back only if the last step failed; ${page}`;
    return [warning({ path, was, allowed, change })];
  }
  const rolling = wanted > at ? (facts.gossip.mimir?.rolling ?? []) : [];
  if (rolling.length === 0) return [];
  const allowed = `${live} until its rollout is complete: ${rolling.join(", ")}`;
  return [error({ path, was, allowed, change: "Wait until these workloads are ready, then run up again" })];
}

/** Mimir upgrades one step at a time. */
export const check: Check<keyof MimirFacts> = {
  name: "version of Mimir",
  needs: ["statefulSets", "gossip"],
  protectsData: true,
  find: ({ stack, settings, facts }) => mimirFindings(stack, settings, facts),
};
