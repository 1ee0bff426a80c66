/** Why a pod is not ready, from its status and events. */
import type { CoreV1Event, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { Settings } from "../../../settings";
import { type Finding, findingIn, type Severity } from "./check";
import { raise, settingPath } from "./setting-path";

/** Seconds for which the end of a container is reported. */
const recent = 600;
/** Seconds that a pod may take to start without a warning: Mimir replays a WAL for a minute. */
const startsWithin = 90;

const noImage = /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|RegistryUnavailable)$/;

/** What is known in addition to the pod itself. */
export interface Surroundings {
  events: CoreV1Event[];
  settings: Settings;
  /** Whether no pod of its workload is ready. */
  dead: boolean;
  /** Epoch in milliseconds. */
  now: number;
}

const finding = findingIn("pods", "docs/operations/runbook.md#components");

const age = (now: number, time?: Date | string) => (time ? (now - new Date(time).getTime()) / 1000 : 0);

const seen = (event: CoreV1Event): number =>
  new Date(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? 0).getTime();

/** Events of an object, newest first. */
export const eventsOf = (events: CoreV1Event[], kind: string, namespace: string, name: string) =>
  events
    .filter(({ involvedObject: o }) => o.kind === kind && o.namespace === namespace && o.name === name)
    .sort((a, b) => seen(b) - seen(a));

/** Trouble of one container; undefined if Kubernetes gives no reason. */
function containerTrouble(
  pod: V1Pod,
  { name: container, ready, image, restartCount, state, lastState }: V1ContainerStatus,
  own: CoreV1Event[],
  { settings, dead, now }: Surroundings,
): Finding | undefined {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const who = `${namespace}/${name}`;
  const severity = dead ? "critical" : "warning";
  const { reason = "", message } = state?.waiting ?? {};
  const restarts = `${restartCount} restarts`;
  const previous = `kubectl -n ${namespace} logs ${name} -c ${container} --previous`;

  if (noImage.test(reason)) {
    const pulls = own.find((one) => one.reason === "Failed" && /pull|image/i.test(one.message ?? ""));
    return finding(
      severity,
      `pod ${who} cannot pull the image ${image}`,
      `${reason}: ${pulls?.message ?? message}`,
      "use an image that exists, or give the nodes access to its registry; ./obs up restores the pinned one",
    );
  }
  if (reason === "CreateContainerConfigError")
    return finding(
      severity,
      `pod ${who} cannot start: ${message}`,
      `${reason} of container ${container}`,
      "./obs refresh, then ./obs up: it creates the Secret or ConfigMap again, with all its keys",
    );
  const killed = [state?.terminated, lastState?.terminated].find(
    (end) => end?.reason === "OOMKilled" || /OOM.?killed/i.test(end?.message ?? ""),
  );
  if (killed && (reason || !ready || age(now, killed.finishedAt) < recent)) {
    const { resources } = pod.spec?.containers.find((one) => one.name === container) ?? {};
    const path = settingPath(settings, namespace, name, "memoryLimit");
    return finding(
      severity,
      `container ${container} of ${who} is killed for memory: its limit is ${resources?.limits?.["memory"] ?? "not set"}${path ? ` (${path})` : ""}`,
      `OOMKilled, exit code ${killed.exitCode}, ${restarts}`,
      raise(settings, namespace, name, "memoryLimit"),
    );
  }
  const last = lastState?.terminated ?? state?.terminated;
  const end = `exit code ${last?.exitCode}, ${last?.reason}`;
  if (reason === "CrashLoopBackOff" || reason === "RunContainerError")
    return finding(
      severity,
      `container ${container} of ${who} keeps ending`,
      `${reason}: ${end}${last?.message ? `: ${last.message}` : ""}, ${restarts}`,
      previous,
    );
  if (ready && restartCount && age(now, last?.finishedAt) < recent)
    return finding(
      restartCount > 2 ? severity : "note",
      `container ${container} of ${who} was restarted ${Math.round(age(now, last?.finishedAt) / 60)} minutes ago`,
      `${end}, ${restarts} in total`,
      previous,
    );
  return undefined;
}

/** Why a pod's containers are not created. */
function pendingTrouble(pod: V1Pod, own: CoreV1Event[], severity: Severity): Finding | undefined {
  const { namespace, name } = pod.metadata ?? {};
  const who = `pod ${namespace}/${name}`;
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    const { message = "" } = scheduled;
    const claims = (pod.spec?.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);
    // The check of volumes reports the claim itself, with its StorageClass and events.
    return /persistentvolumeclaim|volume/i.test(message)
      ? finding(
          severity,
          `${who} waits for its volume (${claims.join(", ")})`,
          message,
          `kubectl -n ${namespace} describe pvc ${claims.join(" ")}`,
        )
      : finding(
          severity,
          `${who} finds no node with room for it`,
          message,
          "add nodes, or lower the component's requests; ./obs size reports the requests of the stack",
        );
  }
  const mount = own.find(({ reason }) => /^Failed(Mount|AttachVolume|CreatePodSandBox)$/.test(reason ?? ""));
  return mount
    ? finding(
        severity,
        `${who} cannot start: ${mount.reason === "FailedMount" ? "a volume cannot be mounted" : mount.reason}`,
        mount.message ?? "",
        "if a Secret or ConfigMap is missing: ./obs refresh, then ./obs up; else fix the node's storage or network",
      )
    : undefined;
}

/** The trouble of a pod with the most known about it, or undefined if it is ready, or ended as it should. */
export function podTrouble(pod: V1Pod, around: Surroundings): Finding | undefined {
  const { namespace = "", name = "", creationTimestamp, deletionTimestamp } = pod.metadata ?? {};
  const { phase, conditions, initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  if (phase === "Succeeded" || deletionTimestamp) return undefined;
  const own = eventsOf(around.events, "Pod", namespace, name);
  const found = [...initContainerStatuses, ...containerStatuses].flatMap(
    (status) => containerTrouble(pod, status, own, around) ?? [],
  );
  const worst = found.find(({ severity }) => severity !== "note") ?? found[0];
  if (worst && worst.severity !== "note") return worst;
  const ready = conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True") return worst;
  const severity = around.dead ? "critical" : "warning";
  const pending = pendingTrouble(pod, own, severity);
  if (pending) return pending;
  const young = age(around.now, creationTimestamp) < startsWithin;
  const probe = own.find(({ reason }) => reason === "Unhealthy");
  return finding(
    young ? (around.dead ? "warning" : "note") : severity,
    `pod ${namespace}/${name} ${young ? "starts" : "is not ready"}${probe ? ": its probe fails" : ""}`,
    probe?.message ?? ready?.message ?? `phase ${phase}`,
    `kubectl -n ${namespace} logs ${name} --all-containers --tail=50`,
  );
}
