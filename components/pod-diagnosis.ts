/** What keeps pods from being ready: unschedulable pods, unbound claims, waiting containers, failing probes, last log lines. */
import {
  CoreV1Api,
  type CoreV1Event,
  type KubeConfig,
  type V1ContainerStatus,
  type V1PersistentVolumeClaim,
  type V1Pod,
} from "@kubernetes/client-node";

/** Lines of a container's log, characters of a line, and pods that are reported. */
const [logLines, lineWidth, mostPods] = [5, 240, 10];

/** What was read from a namespace. */
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
const warnings = (events: CoreV1Event[], kind: string, name: string | undefined): string[] => [
  ...new Set(
    events
      .filter(({ type, involvedObject: o }) => type === "Warning" && o.kind === kind && o.name === name)
      .sort((a, b) => time(b) - time(a))
      .flatMap(({ reason, message }) => (message ? [`${reason}: ${message}`] : [])),
  ),
];

const condition = ({ status }: V1Pod, type: string) =>
  status?.conditions?.find((condition) => condition.type === type);

/** Whether a pod should be ready and is not. */
export const isUnready = (pod: V1Pod): boolean =>
  pod.status?.phase !== "Succeeded" &&
  !pod.metadata?.deletionTimestamp &&
  condition(pod, "Ready")?.status !== "True";

const containersOf = ({ status }: V1Pod): V1ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/** Whether a container does not do what its pod needs: an init container that does not end, another that is not ready. */
const isTroubled = ({ ready, state }: V1ContainerStatus): boolean =>
  !ready && state?.terminated?.exitCode !== 0 && state?.waiting?.reason !== "PodInitializing";

/** A container's state in one line. */
function stateOf({ name, state, lastState, restartCount }: V1ContainerStatus): string {
  const ended = state?.terminated ?? lastState?.terminated;
  const end = ended ? `, ended with exit code ${ended.exitCode} (${ended.reason ?? "no reason"})` : "";
  const restarts = restartCount ? `, ${restartCount} restarts` : "";
  const { reason, message } = state?.waiting ?? {};
  const now = reason ? `${reason}${message ? `: ${message}` : ""}` : state?.running ? "runs, not ready" : "";
  return cut(`container ${name}: ${now}${end}${restarts}`);
}

/** Why a pod's claims have no volume. */
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
function podLines(pod: V1Pod, observed: Observed): string[] {
  const name = pod.metadata?.name ?? "";
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

/** Why workloads could not create pods at all: a quota, an admission webhook, Pod Security. */
const failedCreates = ({ namespace, events, pods }: Observed): string[] => {
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
  return [...newest.values()].flatMap(({ involvedObject: { kind, name }, message }) => [
    `${kind} ${namespace}/${name} cannot create pods:`,
    `    ${cut(message ?? "")}`,
  ]);
};

/**
 * What keeps the pods of namespaces from being ready; nothing if all are. Pods with the same trouble are reported once.
 */
export function diagnose(all: Observed[]): string[] {
  const groups = new Map<string, { names: string[]; lines: string[] }>();
  for (const observed of all)
    for (const pod of observed.pods.filter(isUnready)) {
      const name = pod.metadata?.name ?? "";
      const lines = podLines(pod, observed);
      // Pods of a StatefulSet and their claims differ in their number only.
      const key = `${observed.namespace} ${lines.filter((line) => !line.startsWith("  |")).join("\n")}`;
      const alike = key.replaceAll(name, "").replace(/-\d+\b/g, "");
      const group = groups.get(alike) ?? { names: [], lines };
      group.names.push(`${observed.namespace}/${name}`);
      groups.set(alike, group);
    }
  const found = [...groups.values()];
  const more = found.length - mostPods;
  return [
    ...all.flatMap(failedCreates),
    ...found
      .slice(0, mostPods)
      .flatMap(({ names: [first, ...others], lines }) => [
        `Pod ${first}${others.length ? ` (and ${others.length} alike)` : ""} is not ready:`,
        ...lines.map((line) => `    ${line}`),
      ]),
    ...(more > 0 ? [`${more} more pods are not ready: kubectl get pods -A`] : []),
  ];
}

/** The end of a container's log; that of its last run where it does not run now. */
const logOf = (
  api: CoreV1Api,
  namespace: string,
  pod: string,
  { name, state, restartCount }: V1ContainerStatus,
) =>
  api
    .readNamespacedPodLog({
      namespace,
      name: pod,
      container: name,
      tailLines: logLines,
      previous: restartCount > 0 && !state?.running,
    })
    .catch(() => "");

/** Reads a namespace, or the pods of it that a selector picks. */
async function observe(api: CoreV1Api, namespace: string, labelSelector?: string): Promise<Observed> {
  const [pods, claims, events] = await Promise.all([
    api.listNamespacedPod({ namespace, ...(labelSelector && { labelSelector }) }),
    api.listNamespacedPersistentVolumeClaim({ namespace }),
    api.listNamespacedEvent({ namespace }),
  ]);
  const logs: Record<string, string> = {};
  for (const pod of pods.items.filter(isUnready).slice(0, mostPods))
    for (const status of containersOf(pod).filter(isTroubled)) {
      const name = pod.metadata?.name ?? "";
      logs[`${name}/${status.name}`] = await logOf(api, namespace, name, status);
    }
  return { namespace, pods: pods.items, claims: claims.items, events: events.items, logs };
}

/**
 * What keeps pods from being ready, read from the cluster.
 *
 * @param labelSelector picks the pods. @default all of the namespaces
 */
export async function diagnosis(
  config: KubeConfig,
  namespaces: string[],
  labelSelector?: string,
): Promise<string[]> {
  const api = config.makeApiClient(CoreV1Api);
  try {
    return diagnose(await Promise.all(namespaces.map((one) => observe(api, one, labelSelector))));
  } catch (error) {
    return [`The pods cannot be read: ${(error as Error).message.split("\n")[0]}`];
  }
}
