/**
 * Security of pods: Pod Security's `restricted`, container by container, so that an exception covers one
 * container only.
 */
import { type Container, containersOf, isOperated, isTree, places, podOf, valuesOf } from "../pods";
import { advice, always, type Subject, type SubjectRule, type Tree, type Violation } from "../rule";

/** Violations by each container of a subject, and at each place in a release's values. */
const each =
  (
    ofContainer: (container: Container, pod: Tree) => Violation | undefined,
    inValues: (place: { path: string; key: string; value: unknown }) => Violation | undefined = () =>
      undefined,
  ) =>
  (subject: Subject): Violation[] => {
    const values = valuesOf(subject);
    const found = values
      ? places({ values }).map(inValues)
      : containersOf(subject).map((container) => ofContainer(container, podOf(subject) ?? {}));
    return found.filter((complaint) => complaint !== undefined);
  };

const security = ({ spec }: Container): Tree => spec["securityContext"] ?? {};

export const noPrivilege: SubjectRule = {
  id: "no-privilege",
  requires: "No container is privileged, gains privileges, or adds capabilities; each drops all.",
  why: "a privileged container is root on its node, and an attacker in it controls every pod there",
  level: always,
  check: (subject) =>
    each(
      (container) => {
        const { privileged, allowPrivilegeEscalation, capabilities } = security(container);
        const wrong = [
          ...(privileged ? ["is privileged"] : []),
          // The pod that an operator creates is unknown here; Pod Security in the API server checks it.
          ...(allowPrivilegeEscalation !== false &&
          !(isOperated(subject) && allowPrivilegeEscalation === undefined)
            ? ["may gain privileges"]
            : []),
          ...(capabilities?.add?.length ? [`adds capabilities ${capabilities.add.join(", ")}`] : []),
          ...(capabilities?.drop?.includes("ALL") || (isOperated(subject) && !capabilities)
            ? []
            : ["keeps capabilities"]),
        ];
        return wrong.length
          ? {
              what: `container ${container.name} ${wrong.join(", ")}`,
              fix: "Set its securityContext to allowPrivilegeEscalation: false and capabilities: {drop: [ALL]}, without privileged.",
            }
          : undefined;
      },
      ({ path, key, value }) =>
        ["privileged", "allowPrivilegeEscalation"].includes(key) && value === true
          ? { what: `${path} is true`, fix: "Remove it from the values." }
          : undefined,
    )(subject),
};

const hostFields = ["hostNetwork", "hostPID", "hostIPC"];

export const noHostNamespaces: SubjectRule = {
  id: "no-host-namespaces",
  requires: "No pod uses its node's network, PID or IPC namespace, or a host port.",
  why: "NetworkPolicies do not apply there, and it can observe every other pod of the node",
  level: always,
  check: (subject) => {
    const fix = "Remove it; a Service reaches pods without it.";
    const values = valuesOf(subject);
    const pod = podOf(subject);
    const trees = values ? places({ values }) : places(pod && { ...pod, containers: undefined });
    const shared = trees
      .filter(({ key, value }) => hostFields.includes(key) && value === true)
      .map(({ path }) => ({ what: `${path} is true`, fix }));
    const ports = containersOf(subject).flatMap(({ name, spec }) =>
      ((spec["ports"] ?? []) as Tree[])
        .filter(({ hostPort }) => hostPort)
        .map(({ hostPort }) => ({ what: `container ${name} uses port ${hostPort} of its node`, fix })),
    );
    return [...shared, ...ports];
  },
};

export const noHostPaths: SubjectRule = {
  id: "no-host-paths",
  requires: "No pod mounts a hostPath.",
  why: "through the node's files a pod can read other pods' secrets, or change programs of the node",
  level: always,
  check: (subject) =>
    places(valuesOf(subject) ?? podOf(subject)?.["volumes"])
      .filter(({ key, value }) => key === "hostPath" && isTree(value))
      .map(({ value }) => ({
        what: `a volume mounts ${(value as Tree)["path"]} of the node`,
        fix: "Use a PersistentVolumeClaim or an emptyDir.",
      })),
};

export const nonRoot: SubjectRule = {
  id: "non-root",
  requires:
    "Every container declares that it does not run as root (runAsNonRoot, or runAsUser other than 0).",
  why: "with root in the container, a bug in the kernel or the runtime is root on the node",
  level: always,
  check: each(
    (container, pod) => {
      const own = { ...(pod["securityContext"] ?? {}), ...security(container) };
      return own["runAsUser"] !== 0 && (own["runAsNonRoot"] === true || own["runAsUser"] > 0)
        ? undefined
        : {
            what: `container ${container.name} ${own["runAsUser"] === 0 ? "runs" : "may run"} as root`,
            fix: "Set runAsNonRoot: true, and runAsUser where the image's own user is root.",
          };
    },
    ({ path, key, value }) =>
      (key === "runAsUser" && value === 0) || (key === "runAsNonRoot" && value === false)
        ? { what: `${path} is ${value}`, fix: "Set runAsNonRoot: true and a user other than 0." }
        : undefined,
  ),
};

export const seccomp: SubjectRule = {
  id: "seccomp",
  requires: "Every container runs under a seccomp profile.",
  why: "without one it can make every system call, including those that only exploits need",
  level: always,
  check: each(
    (container, pod) => {
      const { type } = security(container)["seccompProfile"] ?? pod["securityContext"]?.seccompProfile ?? {};
      return ["RuntimeDefault", "Localhost"].includes(type)
        ? undefined
        : {
            what: `container ${container.name} has no seccomp profile`,
            fix: "Set seccompProfile: {type: RuntimeDefault} for the pod.",
          };
    },
    ({ path, key, value }) =>
      key === "seccompProfile" && isTree(value) && value["type"] === "Unconfined"
        ? { what: `${path} is Unconfined`, fix: "Set type: RuntimeDefault." }
        : undefined,
  ),
};

export const readOnlyRoot: SubjectRule = {
  id: "read-only-root",
  requires: "Every container's root file system is read-only.",
  why: "an attacker cannot leave a program behind",
  level: advice,
  check: (subject) =>
    isOperated(subject)
      ? []
      : each((container) =>
          security(container)["readOnlyRootFilesystem"] === true
            ? undefined
            : {
                what: `container ${container.name} can write to its image's file system`,
                fix: "Set readOnlyRootFilesystem: true, and mount an emptyDir where it writes.",
              },
        )(subject),
};
