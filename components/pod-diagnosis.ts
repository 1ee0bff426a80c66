/** Reasons why pods are not ready: unschedulable pods, unbound PVCs, waiting containers, failing probes, last log lines. */
import type { CoreV1Event, V1ContainerStatus, V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";

/** Maximum lines of a container's log, and maximum number of reported pods. */
export const [logLines, mostPods] = [5, 10];
/** Maximum characters of a line. */
const lineWidth = 240;

/** Objects of a namespace. */
export interface Observed {
  namespace: string;
  pods: V1Pod[];
  claims: V1PersistentVolumeClaim[];
  events: CoreV1Event[];
  /** End of a container's log, by `pod/container`. */
  logs: Record<string, string>;
}

const cut = (text: string): string => {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > lineWidth ? `${line.slice(0, lineWidth)}…` : line;
};

const time = ({ lastTimestamp, eventTime, firstTimestamp }: CoreV1Event): number =>
  new Date(lastTimestamp ?? eventTime ?? firstTimestamp ?? 0).getTime();

/** Messages of warnings about an object, newest first. */
export const warnings = (events: CoreV1Event[], kind: string, name: string | undefined): string[] => [
  ...new Set(
    events
      .filter(({ type, involvedObject: o }) => type === "Warning" && o.kind === kind && o.name === name)
      .sort((a, b) => time(b) - time(a))
      .flatMap(({ reason, message }) => (message ? [`${reason}: ${message}`] : [])),
  ),
];

export const condition = ({ status }: V1Pod, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

/** Whether a pod should be ready and is not. */
export const isUnready = (pod: V1Pod): boolean =>
  pod.status?.phase !== "Succeeded" &&
  !pod.metadata?.deletionTimestamp &&
  condition(pod, "Ready")?.status !== "True";

/** Seconds after its grace period in which a deleted pod disappears if its node responds. */
const disappearsWithin = 30;

/** Whether a pod is deleted, and its node does not confirm it. */
const isStuck = ({ metadata }: V1Pod, now: number): boolean =>
  metadata?.deletionTimestamp !== undefined &&
  now - new Date(metadata.deletionTimestamp).getTime() > disappearsWithin * 1000;

export const containersOf = ({ status }: V1Pod): V1ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/**
 * Whether a container keeps its pod from being ready: an init container that does not complete, or another one that is
 * not ready.
 */
export const isTroubled = ({ ready, state }: V1ContainerStatus): boolean =>
  !ready && state?.terminated?.exitCode !== 0 && state?.waiting?.reason !== "PodInitializing";

/** A container's state in one line. */
export function stateOf({ name, state, lastState, restartCount }: V1ContainerStatus): string {
  const ended = state?.terminated ?? lastState?.terminated;
  const end = ended ? `, ended with exit code ${ended.exitCode} (${ended.reason ?? "no reason"})` : "";
  const restarts = restartCount ? `, ${restartCount} restarts` : "";
  const { reason, message } = state?.waiting ?? {};
  const now = reason ? `${reason}${message ? `: ${message}` : ""}` : state?.running ? "runs, not ready" : "";
  return cut(`container ${name}: ${now}${end}${restarts}`);
}

/** Why a pod's PVCs have no volume. */
const claimLines = (pod: V1Pod, { claims, events }: Observed): string[] =>
  (pod.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) => {
    if (!persistentVolumeClaim) return [];
    const name = persistentVolumeClaim.claimName;
    const claim = claims.find(({ metadata }) => metadata?.name === name);
    if (claim?.status?.phase === "Bound") return [];
    const [why] = warnings(events, "PersistentVolumeClaim", name);
    const storageClass = claim?.spec?.storageClassName ?? "the default";
    const state = claim ? `${claim.status?.phase}, StorageClass ${storageClass}` : "missing";
    return [cut(`claim ${name}: ${state}${why ? `; ${why}` : ""}`)];
  });

/** Lines about one pod, without its name. */
export function podLines(pod: V1Pod, observed: Observed): string[] {
  const name = pod.metadata?.name ?? "";
  if (pod.metadata?.deletionTimestamp) return [`deleted, but node ${pod.spec?.nodeName} does not confirm it`];
  const unscheduled = condition(pod, "PodScheduled");
  if (unscheduled?.status === "False")
    return [
      cut(`${unscheduled.reason ?? "not scheduled"}: ${unscheduled.message ?? ""}`),
      ...claimLines(pod, observed),
    ];
  const troubled = containersOf(pod).filter(isTroubled);
  return [
    ...claimLines(pod, observed),
    ...warnings(observed.events, "Pod", name).slice(0, 2).map(cut),
    ...troubled.flatMap((status) => [
      stateOf(status),
      ...(observed.logs[`${name}/${status.name}`] ?? "")
        .split("\n")
        .filter((line) => line.trim())
        .slice(-logLines)
        .map((line) => `  | ${cut(line)}`),
    ]),
  ];
}

/** Workloads whose pods cannot be created, and why: a quota, an admission webhook, Pod Security. */
export const failedCreates = ({
  namespace,
  events,
  pods,
}: Observed): { workload: string; message: string }[] => {
  const createdSince = (event: CoreV1Event) =>
    pods.some(
      ({ metadata }) =>
        metadata?.ownerReferences?.some(({ name }) => name === event.involvedObject.name) &&
        new Date(metadata.creationTimestamp ?? 0).getTime() >= time(event),
    );
  const failed = events
    .filter((event) => event.reason === "FailedCreate" && !createdSince(event))
    .sort((a, b) => time(a) - time(b));
  const newest = new Map(failed.map((event) => [event.involvedObject.name, event]));
  return [...newest.values()].map(({ involvedObject: { kind, name }, message }) => ({
    workload: `${kind} ${namespace}/${name}`,
    message: cut(message ?? ""),
  }));
};

/** Why the pods of namespaces are not ready; empty if all are. Pods with the same problem are reported once. */
export function diagnose(all: Observed[], now = Date.now()): string[] {
  const groups = new Map<string, { names: string[]; lines: string[] }>();
  for (const observed of all)
    for (const pod of observed.pods.filter((pod) => isUnready(pod) || isStuck(pod, now))) {
      const name = pod.metadata?.name ?? "";
      const lines = podLines(pod, observed);
      // Pods of a StatefulSet and their PVCs differ only in their number.
      const key = `${observed.namespace} ${lines.filter((line) => !line.startsWith("  |")).join("\n")}`;
      const alike = key.replaceAll(name, "").replace(/-\d+\b/g, "");
      const group = groups.get(alike) ?? { names: [], lines };
      group.names.push(`${observed.namespace}/${name}`);
      groups.set(alike, group);
    }
  const found = [...groups.values()];
  const more = found.length - mostPods;
  return [
    ...all
      .flatMap(failedCreates)
      .flatMap(({ workload, message }) => [`${workload} cannot create pods:`, `    ${message}`]),
    ...found
      .slice(0, mostPods)
      .flatMap(({ names: [first, ...others], lines }) => [
        `Pod ${first}${others.length ? ` (and ${others.length} alike)` : ""} is not ready:`,
        ...lines.map((line) => `    ${line}`),
      ]),
    ...(more > 0 ? [`${more} more pods are not ready: kubectl get pods -A`] : []),
  ];
}
