import { CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import type { KubernetesObject } from "../../../lib/render";
import { askPod } from "../../../lib/tunnel";
import { type Check, type Finding, findingIn } from "../check";
import type { ClusterState } from "../cluster-state";
import { eventsOf, podTrouble } from "../pod-trouble";
import { settingPath } from "../setting-path";
import { isOf, type Workload } from "../workloads";

const finding = findingIn("pods", "docs/operations/runbook.md#components");

/** Replicas in Helm's manifests, by `kind/namespace/name`; workloads with an autoscaler have none. */
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

/** A workload that is scaled to 0, or whose pods are not created. `pods` are its own. */
export function workloadTrouble(
  { kind, namespace, name, wanted, ready }: Workload,
  asked: number | undefined,
  pods: V1Pod[],
  failure: string | undefined,
  setting: string | undefined,
): Finding | undefined {
  const who = `${kind} ${namespace}/${name}`;
  if (wanted === 0 && asked)
    return finding(
      "critical",
      `${who} is scaled to 0: no ${name} runs`,
      `spec.replicas is 0, Helm installed ${asked}`,
      `kubectl -n ${namespace} scale ${kind.toLowerCase()}/${name} --replicas=${asked}${setting ? `; ${setting} holds the number` : ""}`,
    );
  if (pods.length < wanted && failure)
    return finding(
      ready ? "warning" : "critical",
      `${who} cannot create its pods: ${pods.length} of ${wanted} exist`,
      failure,
      "fix the quota, policy or admission webhook that the message names",
    );
  return undefined;
}

/** Why a workload's pods are not created, by its events or those of its ReplicaSets. */
async function failureOf(cluster: ClusterState, { namespace, name, kind }: Workload) {
  const failed = (await cluster.events()).filter(({ reason }) => reason === "FailedCreate");
  const sets = failed.filter(
    ({ involvedObject: o }) =>
      o.kind === "ReplicaSet" && o.namespace === namespace && o.name?.startsWith(`${name}-`),
  );
  return (eventsOf(failed, kind, namespace, name)[0] ?? sets[0])?.message;
}

/** Pods that are not ready and why, workloads without pods, recent restarts. */
export const check: Check = {
  name: "pods",
  async look({ cluster, settings, config }) {
    const [pods, all, events, releases] = await Promise.all([
      cluster.pods(),
      cluster.workloads(),
      cluster.events(),
      cluster.releases(),
    ]);
    const asked = askedFor(
      releases.flatMap(({ objects, namespace }) => objects().map((o) => ({ ...o, release: namespace }))),
    );
    const troubled = all.map(async (workload) => {
      const { kind, namespace, name } = workload;
      return workloadTrouble(
        workload,
        asked.get(`${kind}/${namespace}/${name}`),
        pods.filter((pod) => isOf(workload, pod)),
        await failureOf(cluster, workload),
        settingPath(settings, namespace, name, "replicas"),
      );
    });
    const unready = pods.map(async (pod) => {
      const dead = all.some((workload) => isOf(workload, pod) && workload.ready === 0);
      const trouble = podTrouble(pod, { events, settings, dead, now: Date.now() });
      if (trouble && /keeps ending/.test(trouble.what)) trouble.evidence += await lastLine(config, pod);
      if (trouble && /probe fails/.test(trouble.what)) trouble.evidence += await probeAnswer(config, pod);
      return trouble;
    });
    return (await Promise.all([...troubled, ...unready])).filter((one) => one !== undefined);
  },
};

/** The last line that a pod's crashing container wrote before it ended. */
async function lastLine(config: KubeConfig, { metadata, status }: V1Pod): Promise<string> {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = all.find(({ state }) => state?.waiting)?.name;
  const { namespace = "", name = "" } = metadata ?? {};
  const text = await config
    .makeApiClient(CoreV1Api)
    .readNamespacedPodLog({ namespace, name, previous: true, tailLines: 3, ...(container && { container }) })
    .catch(() => "");
  const last = text?.trim().split("\n").at(-1);
  return last ? `; its last line: ${last.slice(0, 300)}` : "";
}

/** The text that a pod answers to its readiness probe: the kubelet reports only the status. */
async function probeAnswer(config: KubeConfig, { metadata, spec }: V1Pod): Promise<string> {
  const probes = spec?.containers.flatMap(({ readinessProbe }) => readinessProbe?.httpGet ?? []);
  const { namespace = "", name = "" } = metadata ?? {};
  const { port, path = "/" } = probes?.[0] ?? {};
  if (!port) return "";
  const said = await askPod(config, { namespace, selector: "", pod: name, port }, path, {
    within: 5,
  }).catch(() => undefined);
  return said?.body.trim() ? `; it answers: ${said.body.trim().slice(0, 300)}` : "";
}
