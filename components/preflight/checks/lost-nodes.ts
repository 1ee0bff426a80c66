import type { V1Node, V1Pod } from "@kubernetes/client-node";
import { namespaces } from "../../../names";
import { type Check, error } from "../check";

const isLost = ({ status }: V1Node): boolean =>
  status?.conditions?.some((condition) => condition.type === "Ready" && condition.status !== "True") ?? false;

const isMember = ({ metadata }: V1Pod): boolean =>
  metadata?.ownerReferences?.some(({ kind }) => kind === "StatefulSet") ?? false;

/**
 * Nodes with members of StatefulSets are ready. Otherwise an update restarts further members of a quorum first, because
 * their pods are managed in parallel, and then waits for the missing ones until Helm's timeout.
 */
export const check: Check<"nodes" | "pods"> = {
  name: "lost nodes",
  needs: ["nodes", "pods"],
  find({ settings, facts: { nodes, pods } }) {
    const ours = new Set<string | undefined>(Object.values(namespaces(settings)));
    const members = pods.filter((pod) => ours.has(pod.metadata?.namespace) && isMember(pod));
    return nodes.filter(isLost).flatMap(({ metadata: { name = "" } = {} }) => {
      const missing = members
        .filter(({ spec }) => spec?.nodeName === name)
        .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
      if (missing.length === 0) return [];
      const finding = error({
        path: "cluster",
        was: `node ${name} is not ready`,
        allowed: `ready before an update, which would restart other members of the quorums of ${missing.join(", ")}, and wait for these`,
        change: `Start the node; if it does not return, run: kubectl delete node ${name}`,
      });
      return [{ ...finding, temporary: true as const }];
    });
  },
};
