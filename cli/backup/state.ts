/** Pulumi's state of a stack, exported with its secrets encrypted, and put back. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { UserError } from "../../settings";
import { pulumi, pulumiProgram } from "../pulumi";
import { configFile, root } from "../stack-config";
import { writeWhole } from "./manifest";

/** A resource in an exported state, as far as it matters here. */
export interface Resource {
  urn: string;
  type: string;
  custom?: boolean;
  parent?: string;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
  deletedWith?: string;
  /** When it was made. */
  created?: string;
}

export interface Deployment {
  version: number;
  deployment: {
    resources?: Resource[];
    pending_operations?: unknown[];
    secrets_providers?: { type?: string };
  };
}

/** Names of the files below the part's folder. */
export const deploymentFile = "deployment.json";
export const configCopy = (stack: string): string => `Pulumi.${stack}.yaml`;

/** The stack's state; undefined where the backend has no such stack. */
export function exported(stack: string, environment: Record<string, string>): Deployment | undefined {
  const { status, stdout } = spawnSync(pulumiProgram(), ["stack", "export", "--stack", stack], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...environment },
    maxBuffer: 1024 ** 3,
  });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

/** Resources beyond the stack itself. */
export const resourcesOf = ({ deployment }: Deployment): Resource[] =>
  (deployment.resources ?? []).filter(({ type }) => type !== "pulumi:pulumi:Stack");

/** Saves state and config. @throws UserError when there is no state */
export function saveState(stack: string, environment: Record<string, string>, folder: string) {
  const state = exported(stack, environment);
  if (!state)
    throw new UserError(
      `stack ${stack} has no state in its backend; pulumi stack ls --all shows which there are`,
    );
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, deploymentFile), JSON.stringify(state, null, 2));
  writeWhole(join(folder, configCopy(stack)), readFileSync(configFile(stack)));
  const provider = state.deployment.secrets_providers?.type ?? "none";
  return { resources: resourcesOf(state).length, secrets: provider };
}

/** Types that live in the state alone: a cluster that was wiped has taken nothing of them with it. */
const inStateAlone = ({ type, custom }: Resource): boolean =>
  !custom ||
  type.startsWith("random:") ||
  type === "pulumi:pulumi:Stack" ||
  type === "pulumi:providers:random";

/**
 * A state without what was in the cluster: passwords and keys stay, everything else is made anew by the next `up`.
 * Without it Pulumi would believe that all of it is still there.
 */
export function withoutCluster({ version, deployment }: Deployment): Deployment {
  const resources = (deployment.resources ?? []).filter(inStateAlone);
  const kept = new Set(resources.map(({ urn }) => urn));
  const those = (urns: string[] | null | undefined) => (urns ?? []).filter((urn) => kept.has(urn));
  const { pending_operations: _, ...rest } = deployment;
  return {
    version,
    deployment: {
      ...rest,
      resources: resources.map(({ deletedWith, ...resource }) => ({
        ...resource,
        ...(resource.dependencies && { dependencies: those(resource.dependencies) }),
        ...(resource.propertyDependencies && {
          propertyDependencies: Object.fromEntries(
            Object.entries(resource.propertyDependencies).map(([name, urns]) => [name, those(urns)]),
          ),
        }),
        ...(deletedWith && kept.has(deletedWith) && { deletedWith }),
      })),
    },
  };
}

const saltOf = (file: string): unknown => parse(readFileSync(file, "utf8"))?.encryptionsalt;

/**
 * Puts the stack's config file in its place, unless there is one.
 *
 * @throws UserError when the one that is there encrypts with another key: it could not read the state's secrets
 */
export function putConfig(stack: string, folder: string, file = configFile(stack)): boolean {
  const saved = join(folder, configCopy(stack));
  if (!existsSync(saved)) return false;
  if (!existsSync(file)) {
    copyFileSync(saved, file);
    return true;
  }
  if (saltOf(saved) !== saltOf(file))
    throw new UserError(
      `${configCopy(stack)} has another encryptionsalt than the backup, so its secrets are of another passphrase. ` +
        "Put it aside (the backup's own is then put in its place), or restore the other parts with --only",
    );
  return false;
}

/**
 * Imports a state.
 *
 * @param wiped whether the cluster has nothing of the stack any more
 * @returns how many resources were put back
 */
export async function importState(
  stack: string,
  environment: Record<string, string>,
  folder: string,
  wiped: boolean,
): Promise<number> {
  const saved: Deployment = JSON.parse(readFileSync(join(folder, deploymentFile), "utf8"));
  const state = wiped ? withoutCluster(saved) : saved;
  const temporary = mkdtempSync(join(tmpdir(), "obs-state-"));
  const file = join(temporary, deploymentFile);
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
  const run = async (...args: string[]) => {
    if ((await pulumi(args, environment)) !== 0) throw new UserError(`pulumi ${args[0]} ${args[1]} failed`);
  };
  try {
    await run("stack", "select", "--create", "--non-interactive", stack);
    await run("stack", "import", "--stack", stack, "--file", file);
  } finally {
    rmSync(temporary, { recursive: true });
  }
  return resourcesOf(state).length;
}
