import { CoreV1Api } from "@kubernetes/client-node";
import { failedCreates, type Observed } from "../../../../components/pod-diagnosis";
import { troubledLogs } from "../../../../components/pod-observation";
import { isReady, workloadOf } from "../../../lib/objects";
import { grouped } from "../../../lib/text";
import { type Check, type Finding, findingIn } from "../check";
import { type PodTrouble, podTrouble, recent } from "../pod-trouble";

const finding = findingIn("pods", "docs/operations/runbook.md#components");

/** Workloads of a namespace that cannot create their pods. */
export const blockedCreates = (observed: Observed): Finding[] =>
  failedCreates(observed).map(({ workload, message }) =>
    finding.warning(
      `${workload} cannot create its pods`,
      message,
      "fix the quota, policy or admission webhook that the message names",
    ),
  );

/** More restarts than this have one cause, such as the loss of a node. */
const few = 5;

/** The findings, with many restarts as one. */
export function summarized(troubles: PodTrouble[]): Finding[] {
  const names = troubles.flatMap(({ restarted }) => restarted ?? []);
  const many = names.length > few;
  const findings = troubles
    .filter(({ restarted }) => !(many && restarted))
    .map(({ restarted, ...found }): Finding => found);
  if (!many) return findings;
  return [
    ...findings,
    finding.note(
      `${names.length} containers were restarted within the last ${recent / 60} minutes, and are ready`,
      `${names.slice(0, few).join(", ")} and ${names.length - few} more`,
      "none if their nodes were restarted: kubectl get nodes; otherwise read the log of one with --previous",
    ),
  ];
}

/** Pods that are not ready and why, workloads that cannot create theirs, recent restarts. */
export const check: Check = {
  name: "pods",
  async look({ cluster, settings, config }) {
    const [pods, claims, events] = await Promise.all([cluster.pods(), cluster.claims(), cluster.events()]);
    const serving = new Set(pods.filter(isReady).map(workloadOf));
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
        const isOfJob = pod.metadata?.ownerReferences?.some(({ kind }) => kind === "Job");
        const dead = !isOfJob && !serving.has(workloadOf(pod));
        return podTrouble(pod, observed, settings, dead, Date.now()) ?? [];
      });
      return [...blockedCreates(observed), ...unready];
    });
    return summarized((await Promise.all(troubled)).flat());
  },
};
