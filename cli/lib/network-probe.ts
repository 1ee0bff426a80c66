/** A pod that tests whether NetworkPolicies are enforced: it opens a connection that they allow, and one that they reject. */
import { join } from "node:path";
import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../names";
import type { Settings } from "../../settings";
import type { Connection } from "./cluster";
import { ifExists, isReady } from "./objects";
import { until } from "./poll";
import { scriptPod } from "./script-pod";
import { root } from "./stack-config";

/** Result of the probe. */
export interface Enforcement {
  /** Undefined if the probe was inconclusive. */
  enforced?: boolean | undefined;
  /** Both connections, or why there were none. */
  evidence: string;
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
    script: join(root, "cli", "lib", "network-probe.sh"),
    env: Object.entries({ ALLOWED: allowed, REFUSED: refused }).map(([variable, { address, port }]) => ({
      name: variable,
      value: `${address} ${port}`,
    })),
    seconds: 60,
    grace: 0,
  });

/** Evaluates the log of the pod. */
export function judgeProbe(log: string): Enforcement {
  const [yes, no] = ["allowed", "refused"].map((line) => new RegExp(`^${line}: ?(.*)$`, "m").exec(log)?.[1]);
  if (yes === undefined || no === undefined) return { evidence: `the pod wrote ${log.trim() || "nothing"}` };
  const connected = (text: string) => text.startsWith("HTTP/");
  const [first, second] = [yes, no].map((text) =>
    connected(text) ? "connected" : text.trim() || "no answer",
  );
  const evidence = `allowed: ${first}; rejected by policy: ${second}`;
  if (connected(no)) return { enforced: false, evidence };
  return connected(yes) ? { enforced: true, evidence } : { evidence };
}

/** A ready pod of a component of Loki. @throws if there is none */
async function target(core: CoreV1Api, settings: Settings, component: string, port: number) {
  const { loki: namespace } = namespaces(settings);
  const labelSelector = `app.kubernetes.io/component=${component}`;
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const { metadata, status } = items.find(isReady) ?? {};
  if (!status?.podIP) throw new Error(`no ready ${component} of Loki`);
  return { pod: `${namespace}/${metadata?.name}`, address: status.podIP, port };
}

type Target = Awaited<ReturnType<typeof target>>;

/** Runs the pod, and deletes it. @throws if it cannot run */
export async function tryPolicies({ config, settings }: Connection): Promise<Enforcement> {
  const core = config.makeApiClient(CoreV1Api);
  const allowed = await target(core, settings, "gateway", 8080);
  const refused = await target(core, settings, "query-frontend", 3100);
  const namespace = from(settings);
  const read = () => ifExists(core.readNamespacedPod({ namespace, name }));
  const remove = () => ifExists(core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }));
  // An interrupted run may have left its pod.
  await remove();
  await until(30, `deletion of pod ${namespace}/${name}`, async () => !(await read()));
  try {
    await core.createNamespacedPod({ namespace, body: probeManifest(settings, allowed, refused) });
    const ended = async () => ["Succeeded", "Failed"].includes((await read())?.status?.phase ?? "");
    await until(finishedWithin, `end of pod ${namespace}/${name}`, ended);
    const { enforced, evidence } = judgeProbe(await core.readNamespacedPodLog({ namespace, name }));
    return { enforced, evidence: `from ${namespace} to ${allowed.pod} and ${refused.pod}: ${evidence}` };
  } finally {
    await remove().catch(() => undefined);
  }
}
