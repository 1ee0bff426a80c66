/**
 * Connections that NetworkPolicies allow, by the rules of
 * https://kubernetes.io/docs/concepts/services-networking/network-policies/: if no policy selects a pod for a direction,
 * everything is allowed in it; if some do, a connection that any of them allows. Both the source's egress and the
 * target's ingress must allow it.
 */
import { BlockList, isIPv6 } from "node:net";
import type { V1LabelSelector, V1NetworkPolicyPeer, V1NetworkPolicyPort } from "@kubernetes/client-node";
import { selects } from "../../policies/selectors";

/** A NetworkPolicy of the API, as far as it is used. */
export interface Policy {
  metadata: { name: string; namespace?: string };
  spec: {
    podSelector?: V1LabelSelector;
    policyTypes?: string[];
    ingress?: PolicyRule[];
    egress?: PolicyRule[];
  };
}

interface PolicyRule {
  from?: V1NetworkPolicyPeer[];
  to?: V1NetworkPolicyPeer[];
  ports?: V1NetworkPolicyPort[];
}

type Labels = Record<string, string>;

/** A pod with its own address; one that has the node's (`hostNetwork`) is a node to policies. */
export interface Pod {
  namespace: string;
  labels: Labels;
  address: string;
  /** Ports of its containers that have a name, which policies may use. */
  named?: Record<string, number>;
}

/** What connects or is connected to: a pod, or an address outside the pods' network. */
export type End = Pod | { address: string };

/** What a cluster's policies say. */
export interface Network {
  policies: Policy[];
  /** Labels of namespaces, in addition to the one that every namespace has of its name. */
  namespaces?: Record<string, Labels>;
  /** Whether an `ipBlock` holds pods, too: the API leaves that to the network plugin. */
  blocksHoldPods?: boolean;
}

/** A port of a pod; TCP, where nothing else is said. */
export interface Port {
  port: number;
  protocol?: "TCP" | "UDP";
}

const isPod = (end: End): end is Pod => "namespace" in end;

/** Whether a policy selects a pod, in either direction. */
export const appliesTo = ({ metadata, spec }: Policy, pod: Pod): boolean =>
  metadata.namespace === pod.namespace && selects(spec.podSelector ?? {}, pod.labels);

function holds(cidr: string, address: string): boolean {
  const [net = "", prefix] = cidr.split("/");
  if (isIPv6(net) !== isIPv6(address)) return false;
  const family = isIPv6(net) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(net, Number(prefix), family);
  return list.check(address, family);
}

/** Whether a peer of a policy in that namespace is this end of a connection. */
function isPeer(peer: V1NetworkPolicyPeer, end: End, own: string, network: Network): boolean {
  const { ipBlock, namespaceSelector, podSelector } = peer;
  if (ipBlock) {
    if (isPod(end) && !network.blocksHoldPods) return false;
    const { cidr, except = [] } = ipBlock;
    return holds(cidr, end.address) && !except.some((range) => holds(range, end.address));
  }
  if (!isPod(end)) return false;
  const labels = {
    "kubernetes.io/metadata.name": end.namespace,
    ...network.namespaces?.[end.namespace],
  };
  const there = namespaceSelector ? selects(namespaceSelector, labels) : end.namespace === own;
  return there && selects(podSelector ?? {}, end.labels);
}

/** The policies that select a pod for egress or ingress. */
const deciding = ({ policies }: Network, pod: Pod, out: boolean): Policy[] =>
  policies.filter(
    (policy) =>
      appliesTo(policy, pod) &&
      (policy.spec.policyTypes ?? ["Ingress", ...(policy.spec.egress?.length ? ["Egress"] : [])]).includes(
        out ? "Egress" : "Ingress",
      ),
  );

/** Whether a port of a rule is that of a connection. A name that the pod does not have is no port of it. */
function isPort(
  { port: own, endPort, protocol = "TCP" }: V1NetworkPolicyPort,
  at: Port,
  target: End,
): boolean {
  if (protocol !== (at.protocol ?? "TCP")) return false;
  if (own === undefined) return true;
  const start = typeof own === "string" ? (isPod(target) ? target.named?.[own] : undefined) : own;
  return start !== undefined && at.port >= start && at.port <= (endPort ?? start);
}

/** Whether the policies of one end allow a connection with the other. */
function side(network: Network, mine: Pod, other: End, at: Port, out: boolean): boolean {
  const policies = deciding(network, mine, out);
  const rules = policies.flatMap(({ metadata: { namespace = "" }, spec }) =>
    ((out ? spec.egress : spec.ingress) ?? []).map((rule) => ({ ...rule, namespace })),
  );
  return (
    !policies.length ||
    rules.some(({ from = [], to = [], ports = [], namespace }) => {
      const peers = out ? to : from;
      return (
        (!peers.length || peers.some((peer) => isPeer(peer, other, namespace, network))) &&
        (!ports.length || ports.some((one) => isPort(one, at, out ? other : mine)))
      );
    })
  );
}

/** The policies that block a connection, because none of them allows it; none if it is allowed. */
export function refusedBy(network: Network, from: End, to: End, port: number | Port): Policy[] {
  const at = typeof port === "number" ? { port } : port;
  if (isPod(from) && !side(network, from, to, at, true)) return deciding(network, from, true);
  if (isPod(to) && !side(network, to, from, at, false)) return deciding(network, to, false);
  return [];
}

/** Whether a connection is allowed. */
export const allows = (network: Network, from: End, to: End, port: number | Port): boolean =>
  !refusedBy(network, from, to, port).length;
