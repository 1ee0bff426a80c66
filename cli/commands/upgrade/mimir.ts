/** The steps of Mimir's chart that a stack has not taken yet. */
import type { KubeConfig } from "@kubernetes/client-node";
import { chooseStep, liveMimir, mimirFindings } from "../../../components/preflight/checks/mimir-version";
import { readFacts, requireFacts } from "../../../components/preflight/facts";
import type { Settings } from "../../../settings";
import { mimirPin, mimirSteps, stepOf } from "../../../settings/mimir-steps";
import { problemText } from "../../../settings/problem-text";

export interface MimirSteps {
  stack: string;
  /** Version of the chart that runs. */
  live: string;
  /** The steps to the newest version, with the image of each. */
  steps: { chart: string; image: string }[];
  /** Why `up` refuses the version that the settings choose, or warns about it. */
  problems: string[];
}

/** What the cluster and the settings say about Mimir's version; undefined where Mimir does not run. */
export async function mimirState(
  stack: string,
  settings: Settings,
  config: KubeConfig,
): Promise<MimirSteps | undefined> {
  const needs = ["statefulSets", "gossip"] as const;
  const facts = requireFacts(await readFacts(config, settings, needs), needs);
  const live = liveMimir(settings, facts);
  if (live === undefined) return undefined;
  const steps = mimirSteps.slice(stepOf(live) + 1).map((chartVersion) => {
    const { version, image } = mimirPin({ mimir: { chartVersion } });
    return { chart: version, image };
  });
  const problems = mimirFindings(stack, settings, facts).map((finding) => problemText(stack, finding));
  return { stack, live, steps, problems };
}

/** The same for people. */
export function mimirLines({ stack, live, steps, problems }: MimirSteps): string[] {
  const [next, ...later] = steps;
  if (!next) return [`Mimir runs chart version ${live}; no step is left`, ...problems];
  return [
    `Mimir runs chart version ${live}. Next step: ${next.chart} (${next.image})`,
    `    ${chooseStep(stack, next.chart)} && ./obs up ${stack}`,
    ...(later.length
      ? [`    then ${later.map(({ chart }) => chart).join(", ")}; docs/guides/upgrades.md#mimir`]
      : []),
    ...problems,
  ];
}
