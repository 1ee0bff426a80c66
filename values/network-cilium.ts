/**
 * CiliumNetworkPolicies for flows that a NetworkPolicy cannot express if Cilium enforces it. In Cilium, nodes and the
 * API server are entities, which address ranges do not match:
 * https://docs.cilium.io/en/stable/security/policy/language/
 */
import { namespaces } from "../names";
import type { Settings } from "../settings";
import { flows } from "./network-flows";
import { type Flow, type Part, type PartName, parts } from "./network-parts";
import { policyName, usedParts } from "./network-policies";

/** This node, other nodes, and the API server on any host. */
const nodes = ["host", "remote-node", "kube-apiserver"];

interface Rule {
  fromEntities?: string[];
  toEntities?: string[];
  toPorts?: { ports: { port: string; protocol: "TCP" | "UDP" }[] }[];
}

/** A CiliumNetworkPolicy. It adds to the NetworkPolicies of the same pods. */
export interface CiliumPolicy {
  apiVersion: "cilium.io/v2";
  kind: "CiliumNetworkPolicy";
  metadata: { name: string; namespace: string };
  spec: { endpointSelector: { matchLabels?: Record<string, string> }; ingress?: Rule[]; egress?: Rule[] };
}

const toPorts = ({ ports }: Pick<Flow, "ports">): Rule =>
  ports === "all"
    ? {}
    : { toPorts: [{ ports: ports.map((port) => ({ port: String(port), protocol: "TCP" })) }] };

/** DNS queries to a cache on the node. */
const dns: Rule = {
  toEntities: ["host"],
  toPorts: [{ ports: (["UDP", "TCP"] as const).map((protocol) => ({ port: "53", protocol })) }],
};

const policy = (
  name: string,
  namespace: string,
  labels: Record<string, string> | undefined,
  rules: Pick<CiliumPolicy["spec"], "ingress" | "egress">,
): CiliumPolicy => ({
  apiVersion: "cilium.io/v2",
  kind: "CiliumNetworkPolicy",
  metadata: { name, namespace },
  spec: { endpointSelector: labels ? { matchLabels: labels } : {}, ...rules },
});

/**
 * None unless `network.cilium` is `on`: one for each part with connections from or to nodes, and one per namespace for
 * DNS.
 */
export function ciliumPolicies(settings: Settings): CiliumPolicy[] {
  if (!settings.network.policies || settings.network.cilium !== "on") return [];
  const all = flows(settings);
  const used = usedParts(settings);
  const ofPart = (part: PartName): CiliumPolicy[] => {
    const { namespace, labels }: Part = parts[part];
    const ingress = all
      .filter(({ from, to }) => from === "nodes" && to === part)
      .map((flow) => ({ fromEntities: nodes, ...toPorts(flow) }));
    const egress = all
      .filter(({ from, to }) => from === part && (to === "nodes" || to === "metadata"))
      // The service with the identity of pods runs on their node.
      .map((flow) => ({ toEntities: flow.to === "metadata" ? ["host"] : nodes, ...toPorts(flow) }));
    if (ingress.length + egress.length === 0) return [];
    const rules = { ...(ingress.length && { ingress }), ...(egress.length && { egress }) };
    return [policy(policyName(part), namespaces(settings)[namespace], labels, rules)];
  };
  const withDns = [...new Set(used.map((part) => namespaces(settings)[parts[part].namespace]))];
  return [
    ...withDns.map((namespace) => policy("dns-of-the-node", namespace, undefined, { egress: [dns] })),
    ...used.flatMap(ofPart),
  ];
}
