import { CoreV1Api, type V1Pod } from "@kubernetes/client-node";
import type { KubernetesObject } from "../../../lib/render";
import type { Check, Finding } from "../check";
import type { ClusterState } from "../cluster-state";
import { eventsOf, podTrouble } from "../pod-trouble";
import { settingPath } from "../setting-path";
import { isOf, type Workload, workloads } from "../workloads";

const page = "docs/operations/runbook.md#components";

/** How many pods Helm asked for, by `kind/namespace/name`; those that an autoscaler counts are left out. */
export function askedFor(objects: (KubernetesObject & { release: string })[]): Map<string, number> {
  const counted = objects.filter(
    ({ kind, spec }) => /^(Deployment|StatefulSet)$/.test(kind) && typeof spec?.replicas === "number",
  );
  return new Map(
    counted.map(({ kind, metadata, spec, release }) => [
      `${kind}/${metadata.namespace ?? release}/${metadata.name}`,
      spec.replicas,
    ]),
  );
}

/** A workload that has no pods where it should, or gets none. `pods` are its own. */
export function workloadTrouble(
  workload: Workload,
  asked: number | undefined,
  pods: V1Pod[],
  failure: string | undefined,
  setting: string | undefined,
): Finding | undefined {
  const { kind, namespace, name, wanted, ready } = workload;
  const who = `${namespace}/${name}`;
  if (wanted === 0 && asked)
    return {
      severity: "critical",
      layer: "pods",
      what: `${kind} ${who} is scaled to 0: no ${name} runs`,
      evidence: `spec.replicas is 0, Helm installed ${asked}`,
      fix: `kubectl -n ${namespace} scale ${kind.toLowerCase()}/${name} --replicas=${asked}${setting ? `; ${setting} holds the number` : ""}`,
      page,
    };
  if (pods.length < wanted && failure)
    return {
      severity: ready ? "warning" : "critical",
      layer: "pods",
      what: `${kind} ${who} cannot make its pods: ${pods.length} of ${wanted} are there`,
      evidence: failure,
      fix: "mend what the message names: a quota, a policy, an admission webhook",
      page,
    };
  return undefined;
}

/** Why a workload's pods are not made, as it or its ReplicaSets were told. */
async function failureOf(cluster: ClusterState, { namespace, name, kind }: Workload) {
  const failed = (await cluster.events()).filter(({ reason }) => reason === "FailedCreate");
  const own = eventsOf(failed, kind, namespace, name)[0];
  const sets = failed.filter(
    ({ involvedObject: o }) =>
      o.kind === "ReplicaSet" && o.namespace === namespace && o.name?.startsWith(`${name}-`),
  );
  return (own ?? sets[0])?.message;
}

/** Pods that are not ready and why, workloads without pods, recent restarts. */
export const check: Check = {
  name: "pods",
  async look({ cluster, settings, config }) {
    const [pods, all, events, releases] = await Promise.all([
      cluster.pods(),
      workloads(cluster),
      cluster.events(),
      cluster.releases(),
    ]);
    const asked = askedFor(
      releases.flatMap(({ objects, namespace }) => objects().map((o) => ({ ...o, release: namespace }))),
    );
    const findings: Finding[] = [];
    for (const workload of all) {
      const { kind, namespace, name } = workload;
      const trouble = workloadTrouble(
        workload,
        asked.get(`${kind}/${namespace}/${name}`),
        pods.filter((pod) => isOf(workload, pod)),
        await failureOf(cluster, workload),
        settingPath(settings, namespace, name, "replicas"),
      );
      if (trouble) findings.push(trouble);
    }
    const core = config.makeApiClient(CoreV1Api);
    for (const pod of pods) {
      const dead = all.some((workload) => isOf(workload, pod) && workload.ready === 0);
      const trouble = podTrouble(pod, { events, settings, dead, now: Date.now() });
      if (!trouble) continue;
      if (/keeps ending/.test(trouble.what)) trouble.evidence += await lastWords(core, pod);
      findings.push(trouble);
    }
    return findings;
  },
};

/** The last line that a pod's crashing container wrote before it ended. */
async function lastWords(core: CoreV1Api, { metadata, status }: V1Pod): Promise<string> {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = all.find(({ state }) => state?.waiting)?.name;
  const { namespace = "", name = "" } = metadata ?? {};
  const text = await core
    .readNamespacedPodLog({ namespace, name, previous: true, tailLines: 3, ...(container && { container }) })
    .catch(() => "");
  const last = text?.trim().split("\n").at(-1);
  return last ? `; its last words: ${last.slice(0, 300)}` : "";
}
