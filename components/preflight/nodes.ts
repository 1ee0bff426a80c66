import type { V1Node } from "@kubernetes/client-node";
import type { Node } from "../../values/topology";

const zone = "topology.kubernetes.io/zone";

/** Taints of these come and go with a node's condition or a drain; the node itself stays. */
const ofCondition = "node.kubernetes.io/";

/** The nodes that can run the stack's pods: Linux, and without a taint that they do not tolerate. */
export const usableNodes = (nodes: V1Node[]): V1Node[] =>
  nodes.filter(
    ({ metadata, spec }) =>
      (metadata?.labels?.["kubernetes.io/os"] ?? "linux") === "linux" &&
      !spec?.taints?.some(({ effect, key }) => effect !== "PreferNoSchedule" && !key.startsWith(ofCondition)),
  );

/** The same as the placement of pods sees them. */
export const placementNodes = (nodes: V1Node[]): Node[] =>
  usableNodes(nodes).map(({ metadata }) => ({ name: metadata?.name ?? "", zone: metadata?.labels?.[zone] }));
