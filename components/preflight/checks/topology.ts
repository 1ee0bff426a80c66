import type { V1StatefulSet } from "@kubernetes/client-node";
import { topologyCost, topologyLines, topologyProblems } from "../../../values/topology";
import { type Check, error, warning } from "../check";
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

/** The nodes can hold the quorums. Warns about the effect of the loss of a node. */
export const check: Check<"nodes" | "statefulSets"> = {
  name: "topology",
  needs: ["nodes", "statefulSets"],
  applies: ({ cluster }) => cluster.antiAffinity !== "none",
  find: ({ settings, facts: { nodes, statefulSets } }) =>
    // A running stack must accept changes while a node is missing.
    topologyProblems(settings, placementNodes(settings, nodes)).map(
      runsApart(statefulSets) ? warning : error,
    ),
  notes: ({ settings, facts: { nodes } }) =>
    topologyLines(topologyCost(settings, placementNodes(settings, nodes))),
};
