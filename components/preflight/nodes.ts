import type { V1Node, V1NodeSelectorTerm, V1PersistentVolume } from "@kubernetes/client-node";
import type { Settings } from "../../settings";
import { type PlacedComponent, placedComponents } from "../../settings/scheduling";
import { type Candidate, runsOn, scheduling } from "../../values/scheduling";
import type { Node } from "../../values/topology";

const zone = "topology.kubernetes.io/zone";

/** Prefix of taints that are added and removed with a node's condition or a drain; the node itself stays. */
const ofCondition = "node.kubernetes.io/";

const candidate = ({ metadata, spec }: V1Node): Candidate => ({
  labels: { "kubernetes.io/os": "linux", ...metadata?.labels },
  taints: (spec?.taints ?? []).filter(({ key }) => !key.startsWith(ofCondition)),
});

/** The components whose pods a node can run according to `cluster.scheduling`; without DaemonSets. */
const componentsOn = (settings: Settings, node: V1Node): ReadonlySet<PlacedComponent> =>
  new Set(placedComponents.filter((component) => runsOn(scheduling(settings, component), candidate(node))));

/** The nodes that can run pods of the stack, or of one component. */
export const usableNodes = (settings: Settings, nodes: V1Node[], component?: PlacedComponent): V1Node[] =>
  nodes.filter((node) => {
    const components = componentsOn(settings, node);
    return component ? components.has(component) : components.size > 0;
  });

/** The same nodes, as input for the placement of pods. */
export const placementNodes = (settings: Settings, nodes: V1Node[]): Node[] =>
  usableNodes(settings, nodes).map((node) => ({
    name: node.metadata?.name ?? "",
    zone: node.metadata?.labels?.[zone],
    components: componentsOn(settings, node),
  }));

/** Whether a term of a volume's node affinity matches a node; volumes use only `In`. */
const holds = ({ matchExpressions = [] }: V1NodeSelectorTerm, { metadata }: V1Node): boolean =>
  matchExpressions.every(
    ({ key, operator, values = [] }) => operator !== "In" || values.includes(metadata?.labels?.[key] ?? ""),
  );

/** The nodes on which a volume can be used. */
export const nodesOfVolume = ({ spec }: V1PersistentVolume, nodes: V1Node[]): V1Node[] => {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms ? nodes.filter((node) => terms.some((term) => holds(term, node))) : nodes;
};
