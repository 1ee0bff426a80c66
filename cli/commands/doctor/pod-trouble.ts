/** What is wrong with a pod, and the fix. The evidence is that of a failed `up`. */
import type { CoreV1Event, V1ContainerState, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import {
  condition,
  containersOf,
  isUnready,
  type Observed,
  podLines,
  stateOf,
  warnings,
} from "../../../components/pod-diagnosis";
import type { Settings } from "../../../settings";
import { type Finding, findingIn, type Severity } from "./check";
import { raise, settingPath } from "./setting-path";

/** Seconds for which the end of a container is reported. */
export const recent = 600;
/** Seconds that a pod may take to start without a warning: Mimir replays a WAL for a minute. */
const startsWithin = 90;

/** How a deleted object comes back: neither Pulumi nor an upgrade without changes looks at the objects of a release. */
const createAgain =
  "./obs refresh, then ./obs up; if it is part of a chart, helm rollback <release> <its current revision>";

const noImage = /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|RegistryUnavailable)$/;
const finding = findingIn("pods", "docs/operations/runbook.md#components");
const age = (now: number, time?: Date | string) => (time ? (now - new Date(time).getTime()) / 1000 : 0);

/** The trouble of a pod. */
export interface PodTrouble extends Finding {
  /** The container, if it was only restarted and is ready. */
  restarted?: string;
}

/** What is wrong, the fix, and the severity if it is not that of a pod that is not ready: a note is a restart. */
type Cause = [what: string, fix: string, severity?: Severity | undefined];

/** The cause in one container; undefined if Kubernetes gives no reason. */
function containerCause(
  pod: V1Pod,
  { name: container, ready, image, restartCount, state, lastState }: V1ContainerStatus,
  settings: Settings,
  now: number,
): Cause | undefined {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const who = `${namespace}/${name}`;
  const { reason = "", message } = state?.waiting ?? {};
  const previous = `kubectl -n ${namespace} logs ${name} -c ${container} --previous`;
  const isRecent = (end: V1ContainerState["terminated"]) => age(now, end?.finishedAt) < recent;

  if (noImage.test(reason))
    return [
      `pod ${who} cannot pull the image ${image}`,
      "use an image that exists, or give the nodes access to its registry; ./obs up restores the pinned one",
    ];
  if (reason === "CreateContainerConfigError")
    return [`pod ${who} cannot start: ${message}`, `create the Secret or ConfigMap again: ${createAgain}`];
  const killed = [state?.terminated, lastState?.terminated].find(
    (end) => end?.reason === "OOMKilled" || /OOM.?killed/i.test(end?.message ?? ""),
  );
  if (killed && (reason || !ready || isRecent(killed))) {
    const { resources } = pod.spec?.containers.find((one) => one.name === container) ?? {};
    const path = settingPath(settings, namespace, name, "memoryLimit");
    return [
      `container ${container} of ${who} is killed for memory: its limit is ${resources?.limits?.["memory"] ?? "not set"}${path ? ` (${path})` : ""}`,
      raise(settings, namespace, name, "memoryLimit"),
    ];
  }
  if (/^(CrashLoopBackOff|RunContainerError)$/.test(reason))
    return [`container ${container} of ${who} keeps ending`, previous];
  const last = lastState?.terminated ?? state?.terminated;
  if (ready && restartCount && isRecent(last))
    return [
      `container ${container} of ${who} was restarted ${Math.round(age(now, last?.finishedAt) / 60)} minutes ago`,
      previous,
      restartCount > 2 ? undefined : "note",
    ];
  return undefined;
}

/** Why a pod's containers are not created. */
function pendingCause(pod: V1Pod, events: CoreV1Event[]): Cause | undefined {
  const { namespace, name } = pod.metadata ?? {};
  const who = `pod ${namespace}/${name}`;
  const { status, message = "" } = condition(pod, "PodScheduled") ?? {};
  if (status === "False") {
    const claims = (pod.spec?.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);
    // The check of volumes reports the claim itself, with its StorageClass.
    return /persistentvolumeclaim|volume/i.test(message)
      ? [
          `${who} waits for its volume (${claims.join(", ")})`,
          `kubectl -n ${namespace} describe pvc ${claims.join(" ")}`,
        ]
      : [
          `${who} finds no node with room for it`,
          "add nodes, or lower the component's requests; ./obs size reports the requests of the stack",
        ];
  }
  const mount = warnings(events, "Pod", name).find((text) =>
    /^Failed(Mount|AttachVolume|CreatePodSandBox):/.test(text),
  );
  if (!mount) return undefined;
  return [
    `${who} cannot start: ${mount.startsWith("FailedMount") ? "a volume cannot be mounted" : mount.split(":")[0]}`,
    `if a Secret or ConfigMap is missing: ${createAgain}; else fix the node's storage or network`,
  ];
}

/**
 * The trouble of a pod; undefined if it is ready, or ended as it should.
 *
 * @param observed its namespace
 * @param dead whether no pod of its workload is ready
 */
export function podTrouble(
  pod: V1Pod,
  observed: Observed,
  settings: Settings,
  dead: boolean,
  now: number,
): PodTrouble | undefined {
  const { namespace = "", name = "", creationTimestamp, deletionTimestamp } = pod.metadata ?? {};
  if (pod.status?.phase === "Succeeded" || deletionTimestamp) return undefined;
  const causes = containersOf(pod).flatMap((status) => {
    const cause = containerCause(pod, status, settings, now);
    return cause ? [{ cause, status }] : [];
  });
  const usual = dead ? "critical" : "warning";
  const worst = causes.find(({ cause }) => cause[2] !== "note") ?? causes[0];
  const evidence = () =>
    podLines(pod, observed)
      .map((line) => line.trim())
      .join("; ");
  if (worst && (worst.cause[2] !== "note" || !isUnready(pod))) {
    const [what, fix, severity = usual] = worst.cause;
    return {
      ...finding[severity](what, evidence() || stateOf(worst.status), fix),
      ...(severity === "note" && { restarted: `${worst.status.name} of ${namespace}/${name}` }),
    };
  }
  if (!isUnready(pod)) return undefined;
  const pending = pendingCause(pod, observed.events);
  if (pending) return finding[usual](pending[0], evidence(), pending[1]);
  const young = age(now, creationTimestamp) < startsWithin;
  const probe = warnings(observed.events, "Pod", name).some((text) => text.startsWith("Unhealthy:"));
  return finding[young ? (dead ? "warning" : "note") : usual](
    `pod ${namespace}/${name} ${young ? "starts" : "is not ready"}${probe ? ": its probe fails" : ""}`,
    evidence() || (condition(pod, "Ready")?.message ?? `phase ${pod.status?.phase}`),
    `kubectl -n ${namespace} logs ${name} --all-containers --tail=50`,
  );
}
