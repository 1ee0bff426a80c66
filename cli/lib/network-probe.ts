/** Whether the cluster enforces NetworkPolicies: a pod opens a connection that they allow and one that they reject. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ApiException, CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { reasonOf as failureOf } from "../../components/preflight/facts";
import { namespaces } from "../../names";
import type { Settings } from "../../settings";
import { ifThere, isReady, reasonOf } from "./objects";
import { scriptPod } from "./script-pod";
import { root } from "./stack-config";

/** Result of a probe. */
export interface Enforcement {
  state: "enforced" | "not enforced" | "unknown";
  /** The connections and their results, or why there were none. */
  evidence: string;
}

interface Target {
  pod: string;
  address: string;
  port: number;
}

/** Grafana may connect to the gateway of Loki, and not to the pods behind it; this applies to its whole namespace. */
const from = (settings: Settings): string => namespaces(settings).grafana;
const name = "obs-network-probe";
const targets = {
  allowed: { component: "gateway", port: 8080 },
  refused: { component: "query-frontend", port: 3100 },
} as const;
/** Seconds in which the pod must finish; the script needs at most 30. */
const finishedWithin = 34;

export function probeManifest(settings: Settings, allowed: Target, refused: Target): V1Pod {
  const of = ({ address, port }: Target) => `${address} ${port}`;
  return scriptPod(settings, {
    name,
    namespace: from(settings),
    script: join(root, "cli", "lib", "network-probe.sh"),
    env: [
      { name: "ALLOWED", value: of(allowed) },
      { name: "REFUSED", value: of(refused) },
    ],
    seconds: 60,
    grace: 0,
  });
}

/** Evaluates the log of the pod. */
export function judgeProbe(settings: Settings, log: string, allowed: Target, refused: Target): Enforcement {
  const answer = (line: string) => new RegExp(`^${line}: ?(.*)$`, "m").exec(log)?.[1];
  const [yes, no] = [answer("allowed"), answer("refused")];
  if (yes === undefined || no === undefined)
    return {
      state: "unknown",
      evidence: `the pod ${from(settings)}/${name} wrote: ${log.trim() || "nothing"}`,
    };
  const came = (what: string) => (what.startsWith("HTTP/") ? "connected" : what.trim() || "no answer");
  const evidence = `from a pod in ${from(settings)}: ${allowed.pod}:${allowed.port} (allowed): ${came(yes)}; ${refused.pod}:${refused.port} (refused by policy): ${came(no)}`;
  if (no.startsWith("HTTP/")) return { state: "not enforced", evidence };
  return { state: yes.startsWith("HTTP/") ? "enforced" : "unknown", evidence };
}

/** A ready pod of Loki. */
async function target(
  core: CoreV1Api,
  settings: Settings,
  kind: keyof typeof targets,
): Promise<Target | undefined> {
  const { loki: namespace } = namespaces(settings);
  const { component, port } = targets[kind];
  const labelSelector = `app.kubernetes.io/component=${component}`;
  const { items } = await core.listNamespacedPod({ namespace, labelSelector });
  const pod = items.find(isReady);
  const address = pod?.status?.podIP;
  return pod && address ? { pod: `${namespace}/${pod.metadata?.name}`, address, port } : undefined;
}

const remove = (core: CoreV1Api, namespace: string) =>
  ifThere(core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }));

/** Creates the pod, and replaces that of an interrupted run. */
async function create(core: CoreV1Api, body: V1Pod): Promise<void> {
  const namespace = body.metadata?.namespace ?? "";
  try {
    await core.createNamespacedPod({ namespace, body });
  } catch (error) {
    if (!(error instanceof ApiException) || error.code !== 409) throw error;
    await remove(core, namespace);
    await wait(3000);
    await core.createNamespacedPod({ namespace, body });
  }
}

/** The log of the pod, once it has ended. */
async function logOf(core: CoreV1Api, namespace: string): Promise<string> {
  const deadline = Date.now() + finishedWithin * 1000;
  for (;;) {
    const pod = await core.readNamespacedPod({ namespace, name });
    const phase = pod.status?.phase ?? "";
    if (["Succeeded", "Failed"].includes(phase)) return core.readNamespacedPodLog({ namespace, name });
    if (Date.now() > deadline)
      throw new Error(`pod ${namespace}/${name} did not finish within ${finishedWithin} s: ${reasonOf(pod)}`);
    await wait(1000);
  }
}

/** Probes the NetworkPolicies with a pod, which is deleted afterwards. */
export async function tryPolicies(config: KubeConfig, settings: Settings): Promise<Enforcement> {
  const core = config.makeApiClient(CoreV1Api);
  const [allowed, refused] = await Promise.all([
    target(core, settings, "allowed"),
    target(core, settings, "refused"),
  ]);
  if (!allowed || !refused)
    return {
      state: "unknown",
      evidence: `no ready ${allowed ? targets.refused.component : targets.allowed.component} of Loki`,
    };
  try {
    await create(core, probeManifest(settings, allowed, refused));
    return judgeProbe(settings, await logOf(core, from(settings)), allowed, refused);
  } catch (error) {
    return { state: "unknown", evidence: failureOf(error) };
  } finally {
    await remove(core, from(settings)).catch(() => undefined);
  }
}
