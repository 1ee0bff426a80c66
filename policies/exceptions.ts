/** Exceptions to the rules, each with its reason. */
import type { Subject } from "./rule";

export interface Exception {
  /** Id of the rule. */
  rule: string;
  /** The subjects that it applies to: each given field must equal the subject's, or match it. */
  subject: { kind?: string; namespace?: string; name?: string | RegExp; release?: string };
  /** Matches the messages that the exception allows. @default all violations of the rule */
  what?: RegExp;
  /** Reason for the exception. */
  reason: string;
}

const cadvisor = { kind: "DaemonSet", namespace: "monitoring", name: "cadvisor" };
const nodeExporter = { kind: "DaemonSet", namespace: "monitoring", name: "node-exporter" };
const alloyLogs = { namespace: "alloy-logs", name: "alloy-logs" };
const privilegedNamespace = (name: string) => ({ kind: "Namespace", name });

export const exceptions: Exception[] = [
  {
    rule: "images-registries",
    subject: { kind: "Deployment", name: "kps-operator", release: "kps" },
    what: /--thanos-default-base-image/,
    reason:
      "The chart always passes Thanos' image; it runs only where a Prometheus asks for Thanos, and none does.",
  },
  {
    rule: "readiness-probes",
    subject: { kind: "Deployment", name: "grafana", release: "grafana" },
    what: /container grafana-sc-dashboard/,
    reason:
      "It answers nobody: it copies ConfigMaps to files, and Grafana's own probe says when requests may come.",
  },
  {
    rule: "readiness-probes",
    subject: { kind: "StatefulSet", name: /^mimir-.*-cache$/, release: "mimir" },
    what: /container (memcached|exporter)/,
    reason:
      "The chart has no probes for them. A cache that does not answer is a miss, and Mimir goes on without it.",
  },
  {
    rule: "no-host-namespaces",
    subject: nodeExporter,
    what: /^host(Network|PID) /,
    reason: "It counts the node's own interfaces and processes.",
  },
  {
    rule: "no-host-paths",
    subject: nodeExporter,
    what: /^a volume mounts (\/|\/proc|\/sys) of the node/,
    reason: "It reads the node's metrics there, as an unprivileged user and read-only.",
  },
  {
    rule: "no-host-paths",
    subject: cadvisor,
    what: /^a volume mounts (\/|\/var\/run|\/sys|\/var\/lib\/docker) of the node/,
    reason:
      "cAdvisor measures containers through these folders, which are asked for, and mounts them read-only (R10).",
  },
  {
    rule: "non-root",
    subject: cadvisor,
    reason:
      "The node's files that it measures are root's; it has none of root's capabilities and a read-only file system (R10).",
  },
  {
    rule: "no-host-paths",
    subject: alloyLogs,
    what: /^a volume mounts \/(var\/log|var\/lib\/docker\/containers|run\/log\/journal|etc\/machine-id|var\/lib\/[-a-z0-9]*alloy-logs) of the node/,
    reason:
      "The node keeps its logs there, read-only; positions and buffer have a folder of their own, so that they outlive the pod.",
  },
  {
    rule: "non-root",
    subject: alloyLogs,
    reason: "The log files of the node are root's alone; it has none of root's other capabilities.",
  },
  {
    rule: "pod-security-labels",
    subject: privilegedNamespace("monitoring"),
    what: / is privileged$/,
    reason:
      "node-exporter and cAdvisor read the node's own files (podSecurity in names.ts); no-privilege and the others of its kind look at every other pod there.",
  },
  {
    rule: "pod-security-labels",
    subject: privilegedNamespace("alloy-logs"),
    what: / is privileged$/,
    reason: "Alloy reads the node's log files (podSecurity in names.ts).",
  },
  {
    rule: "services-internal",
    subject: { kind: "Service", namespace: "monitoring", name: "cadvisor" },
    what: /^its type is NodePort$/,
    reason: "Asked for (R10); cadvisor.expose without nodePort turns it off.",
  },
  {
    rule: "rbac-no-wildcards",
    subject: { kind: "ClusterRole", name: "kps-operator", release: "kps" },
    what: /^it allows \* of /,
    reason:
      "Prometheus Operator's own role, from its chart: every verb, of what it makes for its Prometheus and Alertmanager.",
  },
  {
    rule: "rbac-no-wildcards",
    subject: { kind: "ClusterRole", name: "keda-operator", release: "keda" },
    what: /^it allows get(,list,patch,update,watch)? of \*/,
    reason: "KEDA's own role, from its chart: it scales whatever has a scale, also custom resources.",
  },
  {
    rule: "tokens-needed",
    subject: { release: "mimir" },
    reason: "The chart cannot turn the token off. Its ServiceAccount is bound to no role.",
  },
  {
    rule: "tokens-needed",
    subject: { name: "minio", release: "minio" },
    reason: "The chart cannot turn the token off. Its ServiceAccount is bound to no role.",
  },
  {
    rule: "services-internal",
    subject: { kind: "Service", name: /^(loki|mimir|tempo)-gateway-tls$/ },
    what: /^its type is /,
    reason:
      "It is there only with access.service: the gateway itself has TLS, and asks every client for a user.",
  },
];

/** The exception that allows a violation of a rule by a subject. */
export const exceptionFor = (
  rule: string,
  subject: Subject,
  what: string,
  list: Exception[] = exceptions,
): Exception | undefined =>
  list.find(
    (exception) =>
      exception.rule === rule &&
      (exception.what?.test(what) ?? true) &&
      Object.entries(exception.subject).every(([field, wanted]) => {
        const is = subject[field as keyof Subject];
        return wanted instanceof RegExp ? wanted.test(String(is)) : is === wanted;
      }),
  );
