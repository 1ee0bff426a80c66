/** Why a pod is not ready, from what Kubernetes says of it. */
import type { CoreV1Event, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { Settings } from "../../../settings";
import type { Finding } from "./check";
import { raise, settingPath } from "./setting-path";

/** What happened to a container long ago is not told: seconds. */
export const recent = 600;
/** How long a pod may take to start before that it is not ready is worth a word, in seconds: Mimir replays a WAL for a minute. */
export const startsWithin = 90;

const page = "docs/operations/runbook.md#components";
const noImage = /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|RegistryUnavailable)$/;

/** What is known beside the pod itself. */
export interface Surroundings {
  /** Events of the pod and of its claims' namespace. */
  events: CoreV1Event[];
  settings: Settings;
  /** Whether no pod of its workload is ready. */
  dead: boolean;
  /** Epoch in milliseconds. */
  now: number;
}

const age = (now: number, time?: Date | string) => (time ? (now - new Date(time).getTime()) / 1000 : 0);

/** Events of an object, newest first. */
export const eventsOf = (events: CoreV1Event[], kind: string, namespace: string, name: string) =>
  events
    .filter(({ involvedObject: o }) => o.kind === kind && o.namespace === namespace && o.name === name)
    .sort((a, b) => Number(seen(b)) - Number(seen(a)));

/** When an event was last seen. */
export const seen = (event: CoreV1Event): Date =>
  new Date(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? 0);

const oom = ({ lastState, state }: V1ContainerStatus) =>
  [state?.terminated, lastState?.terminated].find(
    (end) => end?.reason === "OOMKilled" || /OOM.?killed/i.test(end?.message ?? ""),
  );

/** Trouble of one container; undefined where there is none that Kubernetes would name. */
function containerTrouble(
  pod: V1Pod,
  status: V1ContainerStatus,
  { events, settings, dead, now }: Surroundings,
): Finding | undefined {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const who = `${namespace}/${name}`;
  const waiting = status.state?.waiting;
  const found = (
    what: string,
    evidence: string,
    fix: string,
    severity: Finding["severity"] = dead ? "critical" : "warning",
  ): Finding => ({ severity, layer: "pods", what, evidence, fix, page });
  const own = eventsOf(events, "Pod", namespace, name);

  if (noImage.test(waiting?.reason ?? "")) {
    const pulls = own.find(({ reason, message }) => reason === "Failed" && /pull|image/i.test(message ?? ""));
    return found(
      `pod ${who} cannot pull the image ${status.image}`,
      `${waiting?.reason}: ${pulls?.message ?? waiting?.message}`,
      "name an image that is there, or give the nodes access to its registry; where nobody changed it on purpose, ./obs up puts the pinned one back",
    );
  }
  if (waiting?.reason === "CreateContainerConfigError")
    return found(
      `pod ${who} cannot start: ${waiting.message}`,
      `${waiting.reason} of container ${status.name}`,
      "./obs refresh, then ./obs up: it makes the Secret or ConfigMap anew, with all its keys",
    );
  const killed = oom(status);
  if (killed && (waiting || !status.ready || age(now, killed.finishedAt) < recent)) {
    const limit = pod.spec?.containers.find((c) => c.name === status.name)?.resources?.limits?.["memory"];
    const path = settingPath(settings, namespace, name, "memoryLimit");
    return found(
      `container ${status.name} of ${who} is killed for memory: its limit is ${limit ?? "not set"}${path ? ` (${path})` : ""}`,
      `OOMKilled, exit code ${killed.exitCode}, ${status.restartCount} restarts`,
      raise(settings, namespace, name, "memoryLimit"),
    );
  }
  const last = status.lastState?.terminated ?? status.state?.terminated;
  if (waiting?.reason === "CrashLoopBackOff" || waiting?.reason === "RunContainerError")
    return found(
      `container ${status.name} of ${who} keeps ending`,
      `${waiting.reason}: exit code ${last?.exitCode}, ${last?.reason}${last?.message ? `: ${last.message}` : ""}, ${status.restartCount} restarts`,
      `kubectl -n ${namespace} logs ${name} -c ${status.name} --previous`,
    );
  if (status.ready && status.restartCount && age(now, last?.finishedAt) < recent)
    return found(
      `container ${status.name} of ${who} was restarted ${Math.round(age(now, last?.finishedAt) / 60)} minutes ago`,
      `exit code ${last?.exitCode}, ${last?.reason}, ${status.restartCount} restarts in all`,
      `kubectl -n ${namespace} logs ${name} -c ${status.name} --previous`,
      status.restartCount > 2 ? "warning" : "note",
    );
  return undefined;
}

/**
 * Why a pod that was asked for does not run.
 *
 * @param own the pod's events, newest first
 */
function pendingTrouble(
  pod: V1Pod,
  own: CoreV1Event[],
  { dead }: Surroundings,
): Omit<Finding, "layer" | "page"> | undefined {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const severity = dead ? "critical" : "warning";
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    const claims = (pod.spec?.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);
    // The claim itself is told by the check of volumes, with its class and events.
    if (/persistentvolumeclaim|volume/i.test(scheduled.message ?? ""))
      return {
        severity,
        what: `pod ${namespace}/${name} waits for its volume (${claims.join(", ")})`,
        evidence: scheduled.message ?? "",
        fix: `kubectl -n ${namespace} describe pvc ${claims.join(" ")}`,
      };
    return {
      severity,
      what: `pod ${namespace}/${name} finds no node with room for it`,
      evidence: scheduled.message ?? "",
      fix: "add nodes or room on them, or lower what the component asks for; ./obs size says what the stack needs",
    };
  }
  const mount = own.find(({ reason }) => /^Failed(Mount|AttachVolume|CreatePodSandBox)$/.test(reason ?? ""));
  if (mount)
    return {
      severity,
      what: `pod ${namespace}/${name} cannot start: ${mount.reason === "FailedMount" ? "a volume cannot be mounted" : mount.reason}`,
      evidence: mount.message ?? "",
      fix: "./obs refresh, then ./obs up where a Secret or ConfigMap is missing; else mend the node's storage or network",
    };
  return undefined;
}

/** The trouble of a pod with the most known about it, or undefined where it is well, or ended as it should. */
export function podTrouble(pod: V1Pod, around: Surroundings): Finding | undefined {
  const { namespace = "", name = "", creationTimestamp, deletionTimestamp } = pod.metadata ?? {};
  if (pod.status?.phase === "Succeeded" || deletionTimestamp) return undefined;
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const told = statuses
    .map((status) => containerTrouble(pod, status, around))
    .filter((trouble) => trouble !== undefined);
  const worst = told.find(({ severity }) => severity !== "note") ?? told[0];
  if (worst && worst.severity !== "note") return worst;
  const conditions = pod.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return worst;
  const own = eventsOf(around.events, "Pod", namespace, name);
  const pending = pendingTrouble(pod, own, around);
  if (pending) return { ...pending, layer: "pods", page };

  const young = age(around.now, creationTimestamp) < startsWithin;
  const probe = own.find(({ reason }) => reason === "Unhealthy");
  return {
    severity: young ? (around.dead ? "warning" : "note") : around.dead ? "critical" : "warning",
    layer: "pods",
    what: `pod ${namespace}/${name} ${young ? "starts" : "is not ready"}${probe ? ": its probe fails" : ""}`,
    evidence: probe?.message ?? ready?.message ?? `phase ${pod.status?.phase}`,
    fix: `kubectl -n ${namespace} logs ${name} --all-containers --tail=50`,
    page,
  };
}
