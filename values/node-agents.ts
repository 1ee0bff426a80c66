/** What the pods that run on every node have in common: Alloy for logs, cAdvisor, node-exporter. */
import type { Settings } from "../settings";
import type { NodeAgent } from "../settings/scheduling";
import { agentScheduling } from "./scheduling";
import type { Values } from "./shared";

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
