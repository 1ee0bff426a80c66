/** Test 11: a pod opens a connection that the stack's NetworkPolicies allow, and one that they reject. */
import { join } from "node:path";
import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import type { Settings } from "../../../settings";
import { ifThere, isReady } from "../../lib/objects";
import { scriptPod } from "../../lib/script-pod";
import { root } from "../../lib/stack-config";
import { type Check, type Context, evidence, Skipped } from "./check";

/** A pod of Loki, and its port. */
interface Target {
  pod: string;
  address: string;
  port: number;
}

const name = "obs-network-probe";
/** Grafana may connect to the gateway of Loki, and not to the pods behind it; this applies to its whole namespace. */
const from = (settings: Settings): string => namespaces(settings).grafana;
/** Seconds in which the pod must finish: the script needs at most 30, and a busy node starts a pod late. */
const finishedWithin = 60;

export const probeManifest = (settings: Settings, allowed: Target, refused: Target): V1Pod =>
  scriptPod(settings, {
    name,
    namespace: from(settings),
    script: join(root, "cli", "commands", "smoke", "network-probe.sh"),
    env: Object.entries({ ALLOWED: allowed, REFUSED: refused }).map(([variable, { address, port }]) => ({
      name: variable,
      value: `${address} ${port}`,
    })),
    seconds: 60,
    grace: 0,
  });

/** Evaluates the log of the pod. @returns both answers @throws if policies are not enforced, and Skipped if that is unknown */
export function judgeProbe(log: string): string {
  const answers = ["allowed", "refused"].map((line) => new RegExp(`^${line}: ?(.*)$`, "m").exec(log)?.[1]);
  const [yes, no] = answers;
  if (yes === undefined || no === undefined)
    throw new Skipped(`cannot tell: the pod wrote ${log.trim() || "nothing"}`);
  const isAnswer = (text: string) => text.startsWith("HTTP/");
  const [first, second] = [yes, no].map((text) =>
    isAnswer(text) ? "connected" : text.trim() || "no answer",
  );
  const seen = `allowed: ${first}; refused by policy: ${second}`;
  if (isAnswer(no))
    throw new Error(`the network plugin does not enforce them (docs/guides/network.md#enforcement): ${seen}`);
  if (!isAnswer(yes)) throw new Skipped(`cannot tell: ${seen}`);
  return seen;
}

/** A ready pod of a component of Loki. */
async function target(core: CoreV1Api, settings: Settings, component: string, port: number): Promise<Target> {
  const { loki: namespace } = namespaces(settings);
  const labelSelector = `app.kubernetes.io/component=${component}`;
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const { metadata, status } = items.find(isReady) ?? {};
  if (!status?.podIP) throw new Skipped(`cannot tell: no ready ${component} of Loki`);
  return { pod: `${namespace}/${metadata?.name}`, address: status.podIP, port };
}

export const enforcement: Check = {
  number: 11,
  name: "network policies are enforced",
  async show({ config, settings, until }: Context) {
    if (!settings.network.policies) throw new Skipped("network.policies is false");
    const core = config.makeApiClient(CoreV1Api);
    const allowed = await target(core, settings, "gateway", 8080);
    const refused = await target(core, settings, "query-frontend", 3100);
    const namespace = from(settings);
    const read = () => ifThere(core.readNamespacedPod({ namespace, name }));
    const remove = () => ifThere(core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }));
    // An interrupted run may have left its pod.
    await remove();
    await until(30, `deletion of pod ${namespace}/${name}`, async () => !(await read()));
    try {
      await core.createNamespacedPod({ namespace, body: probeManifest(settings, allowed, refused) });
      const ended = async () => ["Succeeded", "Failed"].includes((await read())?.status?.phase ?? "");
      await until(finishedWithin, `end of pod ${namespace}/${name}`, ended);
      const seen = judgeProbe(await core.readNamespacedPodLog({ namespace, name }));
      return [evidence(`a pod in ${namespace} connects to ${allowed.pod} and ${refused.pod}`, seen)];
    } finally {
      await remove().catch(() => undefined);
    }
  },
};
