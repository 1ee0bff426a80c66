/** NetworkPolicies: only the connections in `network-flows.ts` are allowed in and out of the stack's namespaces. */

import { clientLabel, namespaces, smokeTest } from "../names";
import type { Settings } from "../settings";
import { backupNamespaces } from "./backups";
import { wantedNamespaces } from "./namespaces";
import { flows } from "./network-flows";
import {
  type Flow,
  isNamespace,
  namespaceIn,
  type Outsider,
  type Part,
  type PartName,
  parts,
} from "./network-parts";
import { installsOpenTelemetryOperator } from "./opentelemetry-operator";

/** A NetworkPolicy. */
export interface NetworkPolicy {
  metadata: { name: string; namespace: string };
  spec: {
    podSelector: { matchLabels?: Record<string, string> };
    policyTypes: ("Ingress" | "Egress")[];
    ingress?: Rule[];
    egress?: Rule[];
  };
}

interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port: number; protocol: "TCP" | "UDP" }[];
}

interface Peer {
  namespaceSelector?: {
    matchLabels?: Record<string, string>;
    matchExpressions?: { key: string; operator: "In"; values: string[] }[];
  };
  podSelector?: { matchLabels: Record<string, string> };
  ipBlock?: { cidr: string };
}

const nameLabel = "kubernetes.io/metadata.name";
const everyAddress = ["0.0.0.0/0", "::/0"];
/**
 * Link-local addresses, and the IPv6 addresses of the same services in EC2:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
const linkLocal = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"];
const addresses = (cidrs: string[]): Peer[] => cidrs.map((cidr) => ({ ipBlock: { cidr } }));

/**
 * All pods of namespaces. Without a podSelector: with an empty one, OVN-Kubernetes no longer includes the addresses of
 * nodes in the namespace `openshift-host-network`:
 * https://github.com/ovn-kubernetes/ovn-kubernetes/blob/master/go-controller/pkg/ovn/base_network_controller_policy.go
 */
const named = (list: string[]): Peer[] =>
  list.length
    ? [{ namespaceSelector: { matchExpressions: [{ key: nameLabel, operator: "In", values: list }] } }]
    : [];

/**
 * Whether nodes may have any address. A rule then has no peers: Cilium, also in GKE Dataplane V2 and on AKS, matches
 * neither nodes nor pods by address, and some API servers connect through pods:
 * https://docs.cilium.io/en/stable/security/policy/kubernetes/, https://github.com/cilium/cilium/issues/31711
 */
const nodesAreAnywhere = ({ network }: Settings): boolean =>
  everyAddress.every((cidr) => network.nodes.includes(cidr));

/** Peers of a flow; empty if no namespace is configured, and undefined without a restriction. */
function peers(who: PartName | Outsider, settings: Settings): Peer[] | undefined {
  const { network } = settings;
  if (isNamespace(who)) return named([namespaceIn(who)]);
  switch (who) {
    case "pods":
      return [{ namespaceSelector: {} }];
    case "clients":
      return [{ namespaceSelector: { matchLabels: { [clientLabel]: "true" } } }];
    case "ingress":
      return [...named(network.ingressNamespaces), ...addresses(network.ingressRanges)];
    case "scrapers":
      return named(network.scraperNamespaces);
    case "smokeTest":
      return named([smokeTest.namespace]);
    case "nodes":
      return nodesAreAnywhere(settings) ? undefined : addresses(network.nodes);
    case "metadata":
      return addresses(linkLocal);
    case "anywhere":
      return addresses(everyAddress);
  }
  const { namespace, labels }: Part = parts[who];
  return [
    {
      namespaceSelector: { matchLabels: { [nameLabel]: namespaces(settings)[namespace] } },
      ...(labels && { podSelector: { matchLabels: labels } }),
    },
  ];
}

const ports = ({ ports, udp }: Flow) => {
  const protocols = ["TCP" as const, ...(udp ? ["UDP" as const] : [])];
  return ports === "all"
    ? {}
    : { ports: ports.flatMap((port) => protocols.map((protocol) => ({ port, protocol }))) };
};

/** Every pod may send DNS queries, to a pod or to a server on a node, which may have a link-local address. */
const dns = (settings: Settings): Rule => ({
  ...(!nodesAreAnywhere(settings) && {
    to: [{ namespaceSelector: {} }, ...addresses([...settings.network.nodes, ...linkLocal])],
  }),
  ports: [53, 5353].flatMap((port) => (["UDP", "TCP"] as const).map((protocol) => ({ port, protocol }))),
});

/** The parts that a stack with these settings has. */
export function usedParts(settings: Settings): PartName[] {
  const present = wantedNamespaces(settings);
  const absent = new Set<PartName>([
    ...(Object.keys(parts) as PartName[]).filter((part) => !present.includes(parts[part].namespace)),
    ...(settings.hub ? (["prometheus", "alertmanager"] as const) : []),
    ...(installsOpenTelemetryOperator(settings) ? [] : (["opentelemetryOperator"] as const)),
    ...(backupNamespaces(settings).includes("grafana") ? [] : (["grafanaBackup"] as const)),
  ]);
  return (Object.keys(parts) as PartName[]).filter((part) => !absent.has(part));
}

/** Name of a part's policies. */
export const policyName = (part: PartName): string =>
  part.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** One deny-all policy for each namespace, and one policy for each part with the connections that it needs. */
export function networkPolicies(settings: Settings): NetworkPolicy[] {
  const all = flows(settings);
  const used = usedParts(settings);
  const absent = new Set<string>(Object.keys(parts).filter((part) => !used.includes(part as PartName)));
  const refusals = [...new Set(used.map((part) => namespaces(settings)[parts[part].namespace]))].map(
    (namespace): NetworkPolicy => ({
      metadata: { name: "default-deny", namespace },
      spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"], egress: [dns(settings)] },
    }),
  );
  const allowances = used.map((part): NetworkPolicy => {
    const { namespace, labels }: Part = parts[part];
    const rules = (mine: "from" | "to", other: "from" | "to") =>
      all
        .filter((flow) => flow[mine] === part && !absent.has(flow[other]))
        .flatMap((flow): Rule[] => {
          const them = peers(flow[other], settings);
          return them?.length === 0 ? [] : [{ ...(them && { [other]: them }), ...ports(flow) }];
        });
    return {
      metadata: {
        name: policyName(part),
        namespace: namespaces(settings)[namespace],
      },
      spec: {
        podSelector: labels ? { matchLabels: labels } : {},
        policyTypes: ["Ingress", "Egress"],
        ingress: rules("to", "from"),
        egress: rules("from", "to"),
      },
    };
  });
  return settings.network.policies ? [...refusals, ...allowances] : [];
}
