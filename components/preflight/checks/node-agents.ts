import type { V1Node } from "@kubernetes/client-node";
import { virtualNodes } from "../../../values/node-agents";
import { type Check, error } from "../check";

const labels = ({ metadata }: V1Node): Record<string, string> => metadata?.labels ?? {};
const isWindows = (node: V1Node) => labels(node)["kubernetes.io/os"] === "windows";
const isVirtual = (node: V1Node) => virtualNodes.some(({ key, value }) => labels(node)[key] === value);
/** https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-security */
const isAutopilot = ({ metadata }: V1Node) => metadata?.name?.startsWith("gk3-") ?? false;

/** Nodes run the DaemonSets that collect logs and metrics. */
export const check: Check<"nodes"> = {
  name: "nodes of DaemonSets",
  needs: ["nodes"],
  find: ({ facts: { nodes } }) =>
    nodes.length > 0 && nodes.every(isAutopilot)
      ? [
          error({
            path: "cluster",
            was: "GKE Autopilot",
            allowed:
              "a cluster that accepts hostPath volumes, such as GKE Standard: the DaemonSets read files of their node",
            change: "Select another cluster with cluster.context or cluster.kubeconfig",
          }),
        ]
      : [],
  notes({ facts: { nodes } }) {
    const without = nodes.filter((node) => isWindows(node) || isVirtual(node)).length;
    return without
      ? [
          `logs and container metrics of ${without} Windows or virtual nodes are not collected: no DaemonSet runs there`,
        ]
      : [];
  },
};
