/** Values that the DaemonSets share: Alloy for logs, cAdvisor, node-exporter. */
import { type NamespaceKey, namespaces, prefixed, releases } from "../names";
import type { Settings } from "../settings";
import type { NodeAgent } from "../settings/scheduling";
import { agentScheduling } from "./scheduling";
import type { Values } from "./shared";
import { assignsUsers } from "./user-ids";

const priorityClass = "system-node-critical";

/** Labels of virtual nodes: virtual-kubelet, such as AKS' virtual nodes, and AWS Fargate. */
export const virtualNodes = [
  { key: "type", value: "virtual-kubelet" },
  { key: "eks.amazonaws.com/compute-type", value: "fargate" },
];

/**
 * Scheduling on each Linux node whatever its taints, except on virtual nodes, which do not support DaemonSets. The
 * priority lets them preempt other pods on a full node: otherwise that node would have neither logs nor metrics, and
 * would block updates.
 */
export const onEveryNode = (settings: Settings, agent: NodeAgent) => ({
  ...agentScheduling(settings, agent, priorityClass),
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: virtualNodes.map(({ key, value }) => ({
              key,
              operator: "NotIn",
              values: [value],
            })),
          },
        ],
      },
    },
  },
});

/** A tenth of the nodes at a time, at least one: a node that is not ready does not block the update of the others. */
export const nodeByNode = {
  type: "RollingUpdate",
  rollingUpdate: { maxSurge: 0, maxUnavailable: "10%" },
};

/** Namespaces of these pods, by their keys in `names.ts`. */
export const nodeAgentNamespaces: readonly string[] = ["alloyLogs", "monitoring"];

/**
 * Annotations of a namespace. On OpenShift, a default node selector of the cluster otherwise keeps DaemonSets off other
 * nodes: https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/nodes/using-jobs-and-daemonsets
 */
export const nodeAgentAnnotations = (settings: Settings, key: NamespaceKey): Record<string, string> =>
  assignsUsers(settings) && nodeAgentNamespaces.includes(key) ? { "openshift.io/node-selector": "" } : {};

/** Allows that priority class in a namespace: GKE rejects it without a quota. Other pods are not counted. */
export const nodeAgentQuota: Values = {
  hard: { pods: "10000" },
  scopeSelector: {
    matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: [priorityClass] }],
  },
};

/**
 * Allows a container to read the node's files, which SELinux denies to containers. Not a default, because other policies
 * do not have this type, and the container would not start: https://github.com/rancher/rke2-selinux/pull/13
 */
export const nodeReader = ({ cluster }: Settings): Values =>
  cluster.selinux ? { seLinuxOptions: { type: "spc_t" } } : {};

/**
 * SecurityContextConstraints of their ServiceAccounts on OpenShift: files and ports of the node, and fixed users.
 * OpenShift does the same for its own node-exporter:
 * https://github.com/openshift/cluster-monitoring-operator/blob/main/assets/node-exporter/security-context-constraints.yaml
 */
export function nodeAgentConstraints(settings: Settings): Values[] {
  if (!assignsUsers(settings)) return [];
  const { alloyLogs, monitoring } = namespaces(settings);
  return [
    {
      apiVersion: "security.openshift.io/v1",
      kind: "SecurityContextConstraints",
      metadata: { name: `${monitoring}-node-agents` },
      allowHostDirVolumePlugin: true,
      allowHostIPC: false,
      allowHostNetwork: true,
      allowHostPID: true,
      allowHostPorts: true,
      allowPrivilegeEscalation: false,
      allowPrivilegedContainer: false,
      allowedCapabilities: [],
      requiredDropCapabilities: ["ALL"],
      readOnlyRootFilesystem: false,
      runAsUser: { type: "RunAsAny" },
      seLinuxContext: { type: "RunAsAny" },
      fsGroup: { type: "RunAsAny" },
      supplementalGroups: { type: "RunAsAny" },
      seccompProfiles: ["runtime/default"],
      volumes: ["configMap", "downwardAPI", "emptyDir", "hostPath", "projected", "secret"],
      users: [
        [alloyLogs, prefixed(settings, releases.alloyLogs)],
        [monitoring, "node-exporter"],
        [monitoring, releases.cadvisor],
      ].map(([namespace, name]) => `system:serviceaccount:${namespace}:${name}`),
    },
  ];
}
