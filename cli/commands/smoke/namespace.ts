/** The smoke test's namespace: created, marked as in use, and deleted with all that is in it. */
import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, PatchStrategy, setHeaderOptions, type V1Pod } from "@kubernetes/client-node";
import { smokeTest } from "../../../names";
import { UserError } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import { copyPullSecret, ifThere, isReady, reasonOf } from "../../lib/objects";
import { until } from "../../lib/poll";
import type { Context } from "./check";
import { aliveAnnotation, namespaceManifest } from "./manifest";

const { namespace } = smokeTest;
/** Milliseconds between two heartbeats of a run. */
const beatEvery = 5000;
/** Milliseconds without a heartbeat after which a run counts as killed. */
const silentFor = 16_000;
/** Seconds that the deletion of the namespace may take. */
const goneWithin = 120;

const read = (core: CoreV1Api) => ifThere(core.readNamespace({ name: namespace }));

/** Deletes the namespace and all that is in it. @throws UserError if that takes too long */
async function remove(core: CoreV1Api): Promise<void> {
  await ifThere(core.deleteNamespace({ name: namespace }));
  await until(goneWithin, "deletion", async () => !(await read(core))).catch(() => {
    throw new UserError(`namespace ${namespace} still exists ${goneWithin} s after its deletion`);
  });
}

/**
 * Deletes what a killed run left. A run that lives changes its heartbeat; clocks are not compared.
 *
 * @throws UserError if another run lives, or the namespace belongs to something else
 */
async function clear(core: CoreV1Api, tell: (line: string) => void): Promise<void> {
  const heartbeat = async () => {
    const found = await read(core);
    const deleted = !found || found.status?.phase === "Terminating";
    return { found, deleted, beat: found?.metadata?.annotations?.[aliveAnnotation] };
  };
  const { found, deleted, beat } = await heartbeat();
  if (!found) return;
  if (!deleted) {
    if (!beat)
      throw new UserError(
        `namespace ${namespace} exists, and no smoke test created it; rename or delete it, the test needs that name`,
      );
    tell(`namespace ${namespace} exists; checking for ${silentFor / 1000} s whether another run uses it`);
    await wait(silentFor);
    const later = await heartbeat();
    if (!later.deleted && later.beat !== beat)
      throw new UserError("another smoke test runs on this cluster; wait for its end");
    tell("a killed run left it; deleting it");
  }
  await remove(core);
}

/** Renews the heartbeat; the next one makes up for one that fails. */
async function renew(core: CoreV1Api): Promise<void> {
  const body = { metadata: { annotations: { [aliveAnnotation]: String(Date.now()) } } };
  const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  await core.patchNamespace({ name: namespace, body }, merge).catch(() => undefined);
}

/** Runs an action with the namespace, and deletes it afterwards, also on failure. @throws UserError if it cannot be created */
export async function inNamespace<T>(
  { config, settings }: Connection,
  tell: (line: string) => void,
  action: () => Promise<T>,
): Promise<T> {
  const core = config.makeApiClient(CoreV1Api);
  await clear(core, tell);
  await core.createNamespace({ body: namespaceManifest(settings, String(Date.now())) });
  const beating = setInterval(() => renew(core), beatEvery);
  try {
    const { pullSecret } = settings.images;
    if (pullSecret) await copyPullSecret(core, settings, pullSecret, namespace);
    return await action();
  } finally {
    clearInterval(beating);
    tell(`deleting namespace ${namespace}`);
    await remove(core);
  }
}

/** Creates a pod in the namespace. @returns it once it is ready @throws with the reason if it is not within 120 s */
export async function startPod({ config, until }: Context, body: V1Pod): Promise<V1Pod> {
  const core = config.makeApiClient(CoreV1Api);
  const name = body.metadata?.name ?? "";
  await core.createNamespacedPod({ namespace, body });
  const state = () => core.readNamespacedPod({ namespace, name });
  const ready = until(120, `pod ${namespace}/${name} that is ready`, async () => {
    const pod = await state();
    return isReady(pod) && pod;
  });
  return ready.catch(async () => {
    throw new Error(`pod ${namespace}/${name} is not ready after 120 s: ${reasonOf(await state())}`);
  });
}
