/** What a mistake in a stack's settings is, and how this project answers it. */
import { volumeProblems } from "../../../components/preflight/checks/volumes";
import { parseSettings, refusePlainSecrets, type Settings, SettingsError } from "../../../settings";
import { workloadVolumes } from "../../../values/volumes";
import type { KubernetesObject } from "../rendered";
import { type Config, type Environment, errorOf, ready } from "../stacks";

/** Name of the stack that makes them, as messages have it. */
export const stack = "mistake";

/** One mistake, and the whole of what is said about it. */
export interface Mistake {
  /** What somebody did. */
  about: string;
  /** @default prod */
  environment?: Environment;
  /** What the stack's config says in addition to what is shipped, with addresses of its own, by top-level key. */
  config: Config;
  /** What is in the cluster already: volumes of this size and class, of the component with this path. */
  installed?: { component: string; size: string; storageClass?: string };
  /** The setting, what it was, what is allowed. */
  says: string;
  /** Where and how it is changed. */
  change: string;
}

/** A value to be changed. */
export const set = (path: string) =>
  `Fix it in Pulumi.mistake.yaml or run: pulumi config set --stack mistake --path '${path}' <value>`;
/** A plain value under a name that Pulumi takes for a secret's. */
export const setPlain = (path: string) => set(path).replace(" --path", " --plaintext --path");
/** A secret to be changed. */
export const setSecret = (path: string) =>
  `Fix it: pulumi config set --stack mistake --secret --path '${path}' <value>`;
/** What does not belong there. */
export const takeOut = (path: string) =>
  `Remove it from Pulumi.mistake.yaml or run: pulumi config rm --stack mistake --path '${path}'`;

/** The stack's whole config. */
export const configOf = ({ environment = "prod", config }: Mistake): Config => ({
  ...ready(environment),
  ...config,
});

/** The whole message, as it must be. */
export const message = ({ says, change }: Mistake): string =>
  `1 invalid setting; no changes were made.\n  ${says}\n    ${change}`;

/** Whether an output has the whole message; the engine indents it. */
export function isTold(output: string, mistake: Mistake): boolean {
  const flat = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .join("\n");
  return flat(output).includes(flat(message(mistake)));
}

/** The StatefulSet that has the volumes, as an API server takes it. */
export function statefulSet(
  settings: Settings,
  { component, size, storageClass }: NonNullable<Mistake["installed"]>,
): KubernetesObject {
  const volumes = workloadVolumes(settings).find(
    ({ path, owner }) => path === `${component}.disk` && owner === "statefulset",
  );
  if (!volumes) throw new Error(`${component} has no volumes of a StatefulSet`);
  const { name, namespace, template } = volumes;
  const matchLabels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, namespace },
    spec: {
      serviceName: name,
      selector: { matchLabels },
      template: {
        metadata: { labels: matchLabels },
        spec: { containers: [{ name: "store", image: "none.example/none:0" }] },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: template },
          spec: {
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: size } },
            ...(storageClass && { storageClassName: storageClass }),
          },
        },
      ],
    },
  };
}

/** Settings that fit what is installed: those of the mistake's environment, as shipped. */
export const rightSettings = ({ environment = "prod" }: Mistake): Settings =>
  parseSettings(stack, ready(environment));

/** How the program answers, without an engine or a cluster. @throws where it does not refuse */
export const answer = (mistake: Mistake): SettingsError =>
  errorOf(() => {
    const settings = parseSettings(stack, configOf(mistake));
    refusePlainSecrets(stack, settings, () => false);
    const { installed } = mistake;
    const statefulSets = installed ? [statefulSet(rightSettings(mistake), installed) as never] : [];
    const problems = volumeProblems(stack, settings, { statefulSets, claims: [] });
    if (problems.length) throw new SettingsError(stack, problems);
  });
