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
const namespace = (name: string) => ({ kind: "Namespace", name });

export const exceptions: Exception[] = [
  {
    rule: "images-registries",
    subject: { kind: "Deployment", name: "kps-operator", release: "kps" },
    what: /--thanos-default-base-image/,
    reason:
      "The chart always passes Thanos' image; it runs only if a Prometheus enables Thanos, and none does.",
  },
  {
    rule: "readiness-probes",
    subject: { kind: "StatefulSet", name: /^mimir-.*-cache$/, release: "mimir" },
    what: /container (memcached|exporter)/,
    reason:
      "The chart has no probes for them. An unavailable cache is a cache miss, and Mimir works without it.",
  },
  {
    rule: "network-policies",
    subject: namespace("alloy-metrics"),
    what: /^NetworkPolicy alloy-metrics allows all egress$/,
    reason:
      "Alloy scrapes every pod, and every node: by default, nodes may have any address (network.nodes).",
  },
  {
    rule: "no-host-namespaces",
    subject: nodeExporter,
    what: /^host(Network|PID) /,
    reason: "It reports the node's own network interfaces and processes.",
  },
  {
    rule: "no-host-paths",
    subject: nodeExporter,
    what: /^a volume mounts (\/|\/proc|\/sys) of the node/,
    reason: "It reads the node's metrics from these folders, as an unprivileged user and read-only.",
  },
  {
    rule: "no-host-paths",
    subject: cadvisor,
    what: /^a volume mounts (\/|\/var\/run|\/sys|\/var\/lib\/docker) of the node/,
    reason: "cAdvisor measures containers through these folders, and mounts them read-only.",
  },
  {
    rule: "non-root",
    subject: cadvisor,
    what: /^container cadvisor /,
    reason:
      "Only root can read the node's files; it has none of root's capabilities, and a read-only file system.",
  },
  {
    rule: "no-host-paths",
    subject: alloyLogs,
    what: /^a volume mounts \/(var\/log|var\/lib\/docker\/containers|run\/log\/journal|etc\/machine-id|var\/lib\/[-a-z0-9]*alloy-logs) of the node/,
    reason:
      "The node's logs are in these folders, mounted read-only; positions and buffer have a separate folder, so they survive the pod.",
  },
  {
    rule: "non-root",
    subject: alloyLogs,
    what: /^(container alloy |values\.alloy\.securityContext\.)/,
    reason: "Only root can read the node's log files; it has none of root's other capabilities.",
  },
  {
    rule: "pod-security-labels",
    subject: namespace("monitoring"),
    what: / is privileged$/,
    reason:
      "node-exporter and cAdvisor read the node's own files (podSecurity in names.ts); no-privilege and similar rules check every other pod of the namespace.",
  },
  {
    rule: "pod-security-labels",
    subject: namespace("alloy-logs"),
    what: / is privileged$/,
    reason: "Alloy reads the node's log files (podSecurity in names.ts).",
  },
  {
    rule: "services-internal",
    subject: { kind: "Service", namespace: "monitoring", name: "cadvisor" },
    what: /^its type is NodePort$/,
    reason:
      "Enabled by default for scrapers outside the cluster; to disable it, remove nodePort from cadvisor.expose.",
  },
  {
    rule: "rbac-no-wildcards",
    subject: { kind: "ClusterRole", name: "kps-operator", release: "kps" },
    what: /^it allows \* of /,
    reason:
      "Prometheus Operator's own role, from its chart: every verb for the objects that it creates for its Prometheus and Alertmanager.",
  },
  {
    rule: "rbac-no-wildcards",
    subject: { kind: "ClusterRole", name: "keda-operator", release: "keda" },
    what: /^it allows get(,list,patch,update,watch)? of \*/,
    reason:
      "KEDA's own role, from its chart: it scales every resource with a scale subresource, including custom resources.",
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
    reason: "It exists only with access.service: the gateway itself uses TLS and authenticates every client.",
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
