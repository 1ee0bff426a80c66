/** The smoke test's namespace: made, kept alive, and taken away with all that is in it. */
import { setTimeout as wait } from "node:timers/promises";
import {
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  type V1Namespace,
} from "@kubernetes/client-node";
import { smokeTest } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { copyPullSecret, ifThere } from "../../lib/objects";
import { aliveAnnotation, namespaceManifest } from "./manifest";

const { namespace } = smokeTest;
/** How often a run says that it lives, in milliseconds. */
const beatEvery = 5000;
/** For how long a run says nothing until it counts as killed: a few beats. Milliseconds. */
const silentFor = 16_000;
/** How long the namespace may take to go away. Milliseconds. */
const goneWithin = 120_000;

const read = (core: CoreV1Api): Promise<V1Namespace | undefined> =>
  ifThere(core.readNamespace({ name: namespace }));

async function gone(core: CoreV1Api): Promise<void> {
  const deadline = Date.now() + goneWithin;
  while (Date.now() < deadline) {
    if (!(await read(core))) return;
    await wait(1000);
  }
  throw new UserError(`namespace ${namespace} is still going away after ${goneWithin / 1000} s`);
}

/** Takes away the namespace and all in it. @throws UserError where it does not go */
export async function remove(config: KubeConfig): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await ifThere(core.deleteNamespace({ name: namespace }));
  await gone(core);
}

/**
 * Takes away what a killed run left. Whether it was killed is seen from its sign of life, which changes as long as
 * it runs; clocks are not compared.
 *
 * @throws UserError where another run lives, or the namespace is somebody else's
 */
async function clear(config: KubeConfig, tell: (line: string) => void): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  const found = await read(core);
  if (!found) return;
  const signOf = (one: V1Namespace | undefined) => one?.metadata?.annotations?.[aliveAnnotation];
  if (found.status?.phase !== "Terminating") {
    if (!signOf(found))
      throw new UserError(
        `namespace ${namespace} is there and no smoke test made it; rename or delete it, the test needs that name`,
      );
    tell(
      `namespace ${namespace} is there; looking for ${silentFor / 1000} s whether another run lives in it`,
    );
    await wait(silentFor);
    const later = await read(core);
    if (later && later.status?.phase !== "Terminating" && signOf(later) !== signOf(found))
      throw new UserError("another smoke test runs on this cluster; wait for its end");
    tell("it was left by a run that was killed; taking it away");
  }
  await remove(config);
}

/** Renews the sign of life; a beat that is missed is made up for by the next. */
async function beat(core: CoreV1Api): Promise<void> {
  const body = { metadata: { annotations: { [aliveAnnotation]: String(Date.now()) } } };
  const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  await core.patchNamespace({ name: namespace, body }, merge).catch(() => undefined);
}

/** Runs an action with the namespace there, and takes it away whatever comes of it. @throws UserError where it cannot be made */
export async function inNamespace<T>(
  config: KubeConfig,
  settings: Settings,
  tell: (line: string) => void,
  action: () => Promise<T>,
): Promise<T> {
  await clear(config, tell);
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: namespaceManifest(settings, String(Date.now())) });
  const beating = setInterval(() => beat(core), beatEvery);
  try {
    const { pullSecret } = settings.images;
    if (pullSecret) await copyPullSecret(core, settings, pullSecret, namespace);
    return await action();
  } finally {
    clearInterval(beating);
    tell(`taking away namespace ${namespace}`);
    await remove(config);
  }
}
