/** Recovery from a killed update: its lock, its pending operations, Helm releases and objects that the state does not have. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubeConfig } from "../../../components/kube-config";
import { type Settings, UserError } from "../../../settings";
import { pulumi } from "../../lib/pulumi";
import { type Deployment, exported } from "../../lib/state";
import {
  clearObjects,
  clearReleases,
  type PendingOperation,
  pendingReleases,
  unknownObjects,
} from "./pending-operations";
import { removeStaleLock } from "./stale-lock";

/** The state without what was begun. */
export const settled = ({ version, deployment }: Deployment): Deployment => {
  const { pending_operations: _, ...rest } = deployment;
  return { version, deployment: rest };
};

/** Puts a state in the place of the stack's own. */
async function importState(
  stack: string,
  state: Deployment,
  environment: Record<string, string>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "observability-"));
  try {
    const file = join(folder, "state.json");
    writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    const code = await pulumi(["stack", "import", "--stack", stack, "--file", file], environment);
    if (code !== 0)
      throw new UserError(`the state of stack ${stack} could not be settled; pulumi's message is above`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Clears away what an update that was killed left behind. Where there is nothing, nothing is changed.
 *
 * @param environment what commands that reach backend and cluster need in their environment
 * @param away whether the stack is to be deleted: then what the state does not know of is deleted here
 */
export async function recoverInterruptedUpdate(
  stack: string,
  settings: Settings,
  environment: Record<string, string>,
  away = false,
): Promise<void> {
  const certain = await removeStaleLock(stack, environment);
  const state = exported(stack, environment);
  const operations = (state?.deployment.pending_operations ?? []) as PendingOperation[];
  if (!state || operations.length === 0) return;
  // What began is in the state of an update that runs, too. Putting a state back needs the lock, and fails where it runs.
  if (!certain) await importState(stack, settled(state), environment);
  console.error(`obs: an earlier update was killed while it worked on ${operations.length} resources`);
  Object.assign(process.env, environment);
  const config = kubeConfig(settings);
  await clearReleases(config, pendingReleases(operations), away);
  await clearObjects(config, unknownObjects(operations, state.deployment.resources ?? []));
  if (certain) await importState(stack, settled(state), environment);
}
