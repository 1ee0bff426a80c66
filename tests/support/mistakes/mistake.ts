/** Interface of a mistake in a stack's settings, and the program's response to it. */
import { volumeProblems } from "../../../components/preflight/checks/volumes";
import { parseSettings, refusePlainSecrets, type Settings, SettingsError } from "../../../settings";
import { workloadVolumes } from "../../../values/volumes";
import type { KubernetesObject } from "../rendered";
import { type Config, type Environment, errorOf, ready } from "../stacks";

/** Name of the stack with the mistake, as it appears in messages. */
export const stack = "mistake";

/** A mistake and its whole message. */
export interface Mistake {
  /** The mistake, for the test's name. */
  about: string;
  /** @default prod */
  environment?: Environment;
  /** The stack's configuration in addition to the shipped one, with its own addresses, by top-level key. */
  config: Config;
  /** Existing objects in the cluster: volumes of this size and class, of the component with this path. */
  installed?: { component: string; size: string; storageClass?: string };
  /** The setting, its value, and the rule. */
  says: string;
  /** The fix. */
  change: string;
}

/** The fix for a value. */
export const set = (path: string) =>
  `Fix it in Pulumi.mistake.yaml or run: pulumi config set --stack mistake --path '${path}' <value>`;
/** The fix for a plain value whose name Pulumi treats as a secret's. */
export const setPlain = (path: string) => set(path).replace(" --path", " --plaintext --path");
/** The fix for a secret. */
export const setSecret = (path: string) =>
  `Fix it: pulumi config set --stack mistake --secret --path '${path}' <value>`;
/** The fix for a setting that must be removed. */
export const takeOut = (path: string) =>
  `Remove it from Pulumi.mistake.yaml or run: pulumi config rm --stack mistake --path '${path}'`;

/** The stack's whole configuration. */
export const configOf = ({ environment = "prod", config }: Mistake): Config => ({
  ...ready(environment),
  ...config,
});

/** The whole message, as it must be. */
export const message = ({ says, change }: Mistake): string =>
  `1 invalid setting; no changes were made.\n  ${says}\n    ${change}`;

/** Whether an output contains the whole message; the engine indents it. */
export function isTold(output: string, mistake: Mistake): boolean {
  const flat = (text: string) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .join("\n");
  return flat(output).includes(flat(message(mistake)));
}

/** The StatefulSet with the volumes, in a form that an API server accepts. */
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

/** Settings that fit the installed objects: those of the mistake's environment, as shipped. */
export const rightSettings = ({ environment = "prod" }: Mistake): Settings =>
  parseSettings(stack, ready(environment));

/** The program's error, without an engine or a cluster. @throws if it accepts the mistake */
export const answer = (mistake: Mistake): SettingsError =>
  errorOf(() => {
    const settings = parseSettings(stack, configOf(mistake));
    refusePlainSecrets(stack, settings, () => false);
    const { installed } = mistake;
    const statefulSets = installed ? [statefulSet(rightSettings(mistake), installed) as never] : [];
    const problems = volumeProblems(stack, settings, { statefulSets, claims: [] });
    if (problems.length) throw new SettingsError(stack, problems);
  });
