import type { V1StatefulSet } from "@kubernetes/client-node";
import { topologyCost, topologyLines, topologyProblems } from "../../../values/topology";
import { type Check, error, warning } from "../check";
import type { Facts } from "../facts";
import { placementNodes } from "../nodes";

/**
 * Whether a running stack already requires different nodes for its pods; one with weaker rules may not fit the new
 * ones.
 */
const runsApart = (statefulSets: V1StatefulSet[]): boolean =>
  statefulSets.some(
    ({ spec }) =>
      spec?.template.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
  );

/**
 * The autoscaler that adds nodes for pending pods; undefined if none is recognized. EKS Auto Mode and node
 * auto-provisioning of AKS are Karpenter. Cluster Autoscaler of OpenShift has its status in another namespace.
 */
function autoscalerOf({
  definitions,
  clusterAutoscaler,
  pods,
}: Pick<Facts, "definitions" | "clusterAutoscaler" | "pods">): string | undefined {
  if (definitions.some(({ name }) => name === "nodepools.karpenter.sh")) return "Karpenter";
  const runs = pods.some(({ spec }) => spec?.containers.some(({ name }) => /cluster-autoscaler$/.test(name)));
  return clusterAutoscaler || runs ? "Cluster Autoscaler" : undefined;
}

/** The nodes can hold the quorums. Warns about the effect of the loss of a node. */
export const check: Check<"nodes" | "statefulSets" | "definitions" | "clusterAutoscaler" | "pods"> = {
  name: "topology",
  needs: ["nodes", "statefulSets", "definitions", "clusterAutoscaler", "pods"],
  applies: ({ cluster }) => cluster.antiAffinity !== "none",
  find({ settings, facts }) {
    const problems = topologyProblems(settings, placementNodes(settings, facts.nodes));
    // A running stack must accept changes while a node is missing.
    if (runsApart(facts.statefulSets)) return problems.map(warning);
    const autoscaler = autoscalerOf(facts);
    return problems.map((problem) =>
      autoscaler
        ? warning({ ...problem, allowed: `${problem.allowed}, unless ${autoscaler} adds nodes` })
        : error(problem),
    );
  },
  notes({ settings, facts }) {
    const nodes = placementNodes(settings, facts.nodes);
    return nodes.length ? topologyLines(topologyCost(settings, nodes)) : [];
  },
};
