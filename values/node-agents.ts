/** What the pods that run on every node have in common: Alloy for logs, cAdvisor, node-exporter. */
import { namespaces, prefixed, releases } from "../names";
import type { Settings } from "../settings";
import type { NodeAgent } from "../settings/scheduling";
import { agentScheduling } from "./scheduling";
import type { Values } from "./shared";
import { assignsUsers } from "./user-ids";

const priorityClass = "system-node-critical";

/**
 * Where they run: on each Linux node whatever its taints, and not on virtual nodes, which run no DaemonSets. On a full node
 * they come before other pods: else a node without room would have neither logs nor metrics, and would hold up updates.
 */
export const onEveryNode = (settings: Settings, agent: NodeAgent) => ({
  ...agentScheduling(settings, agent, priorityClass),
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: "type", operator: "NotIn", values: ["virtual-kubelet"] },
              { key: "eks.amazonaws.com/compute-type", operator: "NotIn", values: ["fargate"] },
            ],
          },
        ],
      },
    },
  },
});

/** A tenth of the nodes at a time, one at least: a node that is not ready does not stop the others' update. */
export const nodeByNode = {
  type: "RollingUpdate",
  rollingUpdate: { maxSurge: 0, maxUnavailable: "10%" },
};

/** Namespaces that they run in, by their keys in `names.ts`. */
export const nodeAgentNamespaces: readonly string[] = ["alloyLogs", "monitoring"];

/** Allows that priority class in a namespace: GKE refuses it without a quota. Other pods are not counted. */
export const nodeAgentQuota: Values = {
  hard: { pods: "10000" },
  scopeSelector: {
    matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: [priorityClass] }],
  },
};

/** Lets a container read the node's files, which SELinux keeps from containers on OpenShift. */
export const nodeReader = (settings: Settings): Values =>
  assignsUsers(settings) ? { seLinuxOptions: { type: "spc_t" } } : {};

/**
 * What OpenShift lets their ServiceAccounts do beyond other pods: files and ports of the node, and users of their own, as it
 * does for its own node-exporter:
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
