import { CoreV1Api } from "@kubernetes/client-node";
import { failedCreates, type Observed } from "../../../../components/pod-diagnosis";
import { troubledLogs } from "../../../../components/pod-observation";
import type { KubernetesObject } from "../../../lib/render";
import { grouped } from "../../../lib/text";
import { type Check, type Finding, findingIn } from "../check";
import { podTrouble } from "../pod-trouble";
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

/** A workload that is scaled to 0. @param asked replicas in Helm's manifest @param setting that holds the number */
export function scaledDown(
  { kind, namespace, name, wanted }: Workload,
  asked: number | undefined,
  setting: string | undefined,
): Finding | undefined {
  if (wanted !== 0 || !asked) return undefined;
  return finding(
    "critical",
    `${kind} ${namespace}/${name} is scaled to 0: no ${name} runs`,
    `spec.replicas is 0, Helm installed ${asked}`,
    `kubectl -n ${namespace} scale ${kind.toLowerCase()}/${name} --replicas=${asked}${setting ? `; ${setting} holds the number` : ""}`,
  );
}

/** Workloads of a namespace that cannot create their pods. */
export const blockedCreates = (observed: Observed): Finding[] =>
  failedCreates(observed).map(({ workload, message }) =>
    finding(
      "warning",
      `${workload} cannot create its pods`,
      message,
      "fix the quota, policy or admission webhook that the message names",
    ),
  );

/** Pods that are not ready and why, workloads without pods, recent restarts. */
export const check: Check = {
  name: "pods",
  async look({ cluster, settings, config }) {
    const [pods, claims, all, events, releases] = await Promise.all([
      cluster.pods(),
      cluster.claims(),
      cluster.workloads(),
      cluster.events(),
      cluster.releases(),
    ]);
    const asked = askedFor(
      releases.flatMap(({ objects, namespace }) => objects().map((o) => ({ ...o, release: namespace }))),
    );
    const down = all.flatMap((workload) => {
      const { kind, namespace, name } = workload;
      const setting = settingPath(settings, namespace, name, "replicas");
      return scaledDown(workload, asked.get(`${kind}/${namespace}/${name}`), setting) ?? [];
    });
    const core = config.makeApiClient(CoreV1Api);
    const byNamespace = grouped(pods, ({ metadata }) => metadata?.namespace ?? "");
    const troubled = [...byNamespace].map(async ([namespace, own]) => {
      const observed: Observed = {
        namespace,
        pods: own,
        claims: claims.filter(({ metadata }) => metadata?.namespace === namespace),
        events: events.filter(({ metadata }) => metadata?.namespace === namespace),
        logs: await troubledLogs(core, namespace, own),
      };
      const unready = own.flatMap((pod) => {
        const dead = all.some((workload) => isOf(workload, pod) && workload.ready === 0);
        return podTrouble(pod, observed, settings, dead, Date.now()) ?? [];
      });
      return [...blockedCreates(observed), ...unready];
    });
    return [...down, ...(await Promise.all(troubled)).flat()];
  },
};
