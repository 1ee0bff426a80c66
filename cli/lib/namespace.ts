/** A command's own namespace: created, marked as in use, and deleted with all that is in it. */
import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { UserError } from "../../settings";
import type { Connection } from "./cluster";
import { copyPullSecret, ifExists } from "./objects";
import { until } from "./poll";

/** The name of the namespace, and labels in addition to {@link standardLabels}. */
export interface OwnNamespace {
  name: string;
  labels: Record<string, string>;
}

/** Its pods comply with Pod Security's level `restricted`. */
const standardLabels = {
  "app.kubernetes.io/managed-by": "obs",
  "pod-security.kubernetes.io/enforce": "restricted",
};
/** Annotation with the heartbeat of a run. */
const aliveAnnotation = "observability/alive";
/** Milliseconds between two heartbeats of a run. */
const beatEvery = 5000;
/** Milliseconds without a heartbeat after which a run counts as killed. */
const silentFor = 16_000;
/** Seconds that the deletion of the namespace may take. */
const goneWithin = 120;

const heartbeat = () => ({ [aliveAnnotation]: String(Date.now()) });

/** Deletes the namespace and all that is in it. @returns whether it is gone in time */
async function remove(core: CoreV1Api, name: string): Promise<boolean> {
  await ifExists(core.deleteNamespace({ name }));
  const gone = async () => !(await ifExists(core.readNamespace({ name })));
  return until(goneWithin, "deletion", gone).catch(() => false);
}

/**
 * Deletes what a killed run left, or one that kept its namespace. A run that lives changes its heartbeat; clocks are not
 * compared.
 *
 * @throws UserError if another run lives, or the namespace belongs to something else
 */
async function clear(
  core: CoreV1Api,
  name: string,
  tell: (line: string) => void,
  silent: number,
): Promise<void> {
  const read = async () => {
    const found = await ifExists(core.readNamespace({ name }));
    const deleted = !found || found.status?.phase === "Terminating";
    return { found, deleted, beat: found?.metadata?.annotations?.[aliveAnnotation] };
  };
  const { found, deleted, beat } = await read();
  if (!found) return;
  if (!deleted) {
    if (!beat)
      throw new UserError(
        `namespace ${name} exists, and no obs command created it; rename or delete it, the test needs that name`,
      );
    tell(`namespace ${name} exists; checking for ${silent / 1000} s whether another run uses it`);
    await wait(silent);
    const later = await read();
    if (!later.deleted && later.beat !== beat)
      throw new UserError(`another test uses namespace ${name} of this cluster; wait for its end`);
    tell("a run that has ended left it; deleting it");
  }
  if (!(await remove(core, name)))
    throw new UserError(`namespace ${name} still exists ${goneWithin} s after its deletion`);
}

/** Renews the heartbeat; the next one makes up for one that fails. */
async function renew(core: CoreV1Api, name: string): Promise<void> {
  const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  await core
    .patchNamespace({ name, body: { metadata: { annotations: heartbeat() } } }, merge)
    .catch(() => undefined);
}

/**
 * Runs an action with a namespace that has the image pull Secret of the stack, and deletes it afterwards, also on failure.
 *
 * @param keep leaves the namespace in the cluster, until the next run
 * @throws UserError if it cannot be created
 */
export async function inNamespace<T>(
  { config, settings }: Connection,
  { name, labels }: OwnNamespace,
  tell: (line: string) => void,
  action: () => Promise<T>,
  { keep = false, silent = silentFor } = {},
): Promise<T> {
  const core = config.makeApiClient(CoreV1Api);
  await clear(core, name, tell, silent);
  const metadata = { name, labels: { ...standardLabels, ...labels }, annotations: heartbeat() };
  await core.createNamespace({ body: { metadata } });
  const beating = setInterval(() => renew(core, name), beatEvery);
  try {
    const { pullSecret } = settings.images;
    if (pullSecret) await copyPullSecret(core, settings, pullSecret, name);
    return await action();
  } finally {
    clearInterval(beating);
    if (keep) tell(`namespace ${name} is kept until the next run: kubectl delete namespace ${name}`);
    else {
      tell(`deleting namespace ${name}`);
      if (!(await remove(core, name))) tell(`namespace ${name} still exists after ${goneWithin} s`);
    }
  }
}
