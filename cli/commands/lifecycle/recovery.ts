/** Recovery from a killed update: its lock, pending operations, and objects that the state does not have. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { UserError } from "../../../settings";
import { type Deployment, exported, pulumi } from "../../lib/pulumi";
import {
  clearObjects,
  clearReleases,
  type PendingOperation,
  pendingReleases,
  unknownObjects,
} from "./pending-operations";
import { removeStaleLock } from "./stale-lock";

/** The state without pending operations. */
export const settled = ({ version, deployment }: Deployment): Deployment => {
  const { pending_operations: _, ...rest } = deployment;
  return { version, deployment: rest };
};

/** Replaces the stack's state. */
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
      throw new UserError(`the state of stack ${stack} cannot be imported; Pulumi's message is above`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Recovers from a killed update, if there was one.
 *
 * @param environment variables for Pulumi
 * @param away whether the stack is about to be deleted: then objects that the state does not have are deleted here
 */
export async function recoverInterruptedUpdate(
  stack: string,
  config: KubeConfig,
  environment: Record<string, string>,
  away = false,
): Promise<void> {
  const certain = await removeStaleLock(stack, environment);
  const state = exported(stack, environment);
  const operations = (state?.deployment.pending_operations ?? []) as PendingOperation[];
  if (!state || operations.length === 0) return;
  // A running update has pending operations too. The import needs the lock, and fails while one runs.
  if (!certain) await importState(stack, settled(state), environment);
  console.error(`obs: an earlier update was killed while it worked on ${operations.length} resources`);
  await clearReleases(config, pendingReleases(operations), away);
  await clearObjects(config, unknownObjects(operations, state.deployment.resources ?? []));
  if (certain) await importState(stack, settled(state), environment);
}
