import type { V1StatefulSet } from "@kubernetes/client-node";
import { topologyCost, topologyLines, topologyProblems } from "../../../values/topology";
import { type Check, error, warning } from "../check";
import { placementNodes } from "../nodes";

/** Whether a stack runs with pods that must be on different nodes; one with softer rules may not fit the new ones. */
const runsApart = (statefulSets: V1StatefulSet[]): boolean =>
  statefulSets.some(
    ({ spec }) =>
      spec?.template.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
  );

/** The nodes can hold the quorums; and what the loss of one of them costs. */
export const check: Check<"nodes" | "statefulSets"> = {
  name: "topology",
  needs: ["nodes", "statefulSets"],
  applies: ({ cluster }) => cluster.antiAffinity !== "none",
  find: ({ settings, facts: { nodes, statefulSets } }) =>
    // A stack that runs must be able to change while a node is missing.
    topologyProblems(settings, placementNodes(settings, nodes)).map(
      runsApart(statefulSets) ? warning : error,
    ),
  notes: ({ settings, facts: { nodes } }) =>
    topologyLines(topologyCost(settings, placementNodes(settings, nodes))),
};
