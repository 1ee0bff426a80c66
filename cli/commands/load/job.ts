/** The load test's life in the cluster: made, followed until it ends, and taken away with all that it made. */
import { setTimeout as wait } from "node:timers/promises";
import { BatchV1Api, CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { caCertificate } from "../../../components/port-forward";
import { caBundle, loadTest, namespaces, usesTls } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import { copyPullSecret, ifThere, reasonOf } from "../../lib/objects";
import type { Credentials } from "./credentials";
import { caManifest, credentialsManifest, jobManifest, namespaceManifest, scriptManifest } from "./manifest";
import { longest, type Plan } from "./plan";
import { readSteps, type StepLine } from "./summary";

const { namespace, name } = loadTest;
/** How long the pod may take to start: its image is pulled in that time. Milliseconds. */
const startWithin = 180_000;
/** How long the namespace may take to go away. Milliseconds. */
const goneWithin = 120_000;
/** Between two looks at the pod. Milliseconds. */
const period = 2000;

/** The namespace's phase, `Active` or `Terminating`; undefined where there is none. */
const phase = async (core: CoreV1Api): Promise<string | undefined> =>
  (await ifThere(core.readNamespace({ name: namespace })))?.status?.phase;

async function gone(core: CoreV1Api): Promise<boolean> {
  const deadline = Date.now() + goneWithin;
  while (Date.now() < deadline) {
    if ((await phase(core)) === undefined) return true;
    await wait(period);
  }
  return false;
}

/** @throws UserError where another load test runs, or one was kept */
export async function refuseSecond(config: KubeConfig): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  const found = await phase(core);
  if (found === undefined || (found === "Terminating" && (await gone(core)))) return;
  throw new UserError(
    `namespace ${namespace} is there (${found}): another load test runs, or one was kept; take it away with: kubectl delete namespace ${namespace}`,
  );
}

/** Makes the namespace and all in it. */
export async function start(
  config: KubeConfig,
  settings: Settings,
  plan: Plan,
  script: string,
  credentials: Credentials,
): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: namespaceManifest() });
  const { pullSecret } = settings.images;
  if (pullSecret) await copyPullSecret(core, settings, pullSecret, namespace);
  await core.createNamespacedSecret({ namespace, body: credentialsManifest(credentials) });
  await core.createNamespacedConfigMap({ namespace, body: scriptManifest(script) });
  if (usesTls(settings)) {
    const ca = await caCertificate(config, namespaces(settings).alloyTraces);
    await core.createNamespacedConfigMap({ namespace, body: caManifest({ [caBundle.file]: ca }) });
  }
  await config
    .makeApiClient(BatchV1Api)
    .createNamespacedJob({ namespace, body: jobManifest(settings, plan) });
}

/**
 * Follows the Job's pod to its end.
 *
 * @param tell is called once for each step that ended
 * @param meanwhile is called again and again while the test runs
 * @param stop breaks it off
 * @returns the end of the pod's log
 * @throws UserError where the pod does not start, or the time is over
 */
export async function follow(
  config: KubeConfig,
  plan: Plan,
  tell: (step: StepLine) => void,
  meanwhile: () => Promise<void>,
  stop: AbortSignal,
): Promise<string> {
  const core = config.makeApiClient(CoreV1Api);
  const begun = Date.now();
  let told = 0;
  let log = "";
  for (;;) {
    stop.throwIfAborted();
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: `job-name=${name}` });
    const [pod] = items;
    const state = pod?.status?.phase ?? "Pending";
    if (state === "Pending" && Date.now() - begun > startWithin)
      throw new UserError(
        `the load test's pod did not start within ${startWithin / 1000} s: ${pod ? reasonOf(pod) : "the Job made none"}`,
      );
    if (pod?.metadata?.name && state !== "Pending") {
      // Its end only: a store that is away makes k6 write a line for each request.
      const last = { namespace, name: pod.metadata.name, tailLines: 2000 };
      log = await core.readNamespacedPodLog(last).catch(() => log);
      for (const step of readSteps(log).filter((one) => one.step > told)) {
        told = step.step;
        tell(step);
      }
    }
    if (state === "Succeeded" || state === "Failed") return log;
    if (Date.now() - begun > startWithin + longest(plan) * 1000)
      throw new UserError(`the load test did not end in time; its log ends with:\n${log.slice(-2000)}`);
    await meanwhile();
    await wait(period, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Takes away all that the load test made. @throws UserError where it does not go */
export async function remove(config: KubeConfig): Promise<void> {
  const core = config.makeApiClient(CoreV1Api);
  await ifThere(core.deleteNamespace({ name: namespace }));
  if (!(await gone(core)))
    throw new UserError(`namespace ${namespace} is still going away after ${goneWithin / 1000} s`);
}
