import {
  CoreV1Api,
  NetworkingV1Api,
  type V1NetworkPolicy,
  type V1Node,
  type V1Pod,
} from "@kubernetes/client-node";
import { clientLabel, namespaces, smokeTest } from "../../../names";
import type { Settings } from "../../../settings";
import { type Flow, flows } from "../../../values/network-flows";
import { type Outsider, type Part, type PartName, parts } from "../../../values/network-parts";
import { networkPolicies } from "../../../values/network-policies";
import type { Check, Finding } from "../check";
import { type End, type Network, type Pod, type Policy, picks, refusedBy } from "../network";

/** A pod's name for people, and what policies see of it. */
interface Named {
  name: string;
  end: End;
  /** Ports that its containers listen on, as far as they say. */
  ports: number[];
}

/** What is in the cluster, as far as policies go. */
export interface Live {
  pods: V1Pod[];
  nodes: V1Node[];
  /** Pods that answer for names; of another namespace. */
  dns: V1Pod[];
  network: Network;
}

/** A namespace that nobody has: a pod of it stands for any pod that no policy selects. */
const elsewhere = "somebody-else";

/** A pod as policies see it; one on the node's own network is a node to them. */
function named({ metadata, spec, status }: V1Pod): Named | undefined {
  const { namespace = "", name = "", labels = {}, deletionTimestamp } = metadata ?? {};
  if (spec?.hostNetwork || status?.phase !== "Running" || deletionTimestamp) return undefined;
  const ports = spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return {
    name: `${namespace}/${name}`,
    end: {
      namespace,
      labels,
      address: status.podIP ?? "",
      named: Object.fromEntries(
        ports.flatMap(({ name, containerPort }) => (name ? [[name, containerPort]] : [])),
      ),
    },
    ports: ports
      .filter(({ protocol = "TCP" }) => protocol === "TCP")
      .map(({ containerPort }) => containerPort),
  };
}

const stranger = (namespace: string): Named => ({
  name: `a pod of namespace ${namespace}`,
  end: { namespace, labels: {}, address: "" } satisfies Pod,
  ports: [],
});

/** Who a flow comes from or goes to, as what is there; of who is not the stack's one stands for all. */
function ends(who: PartName | Outsider, live: Live, { network }: Settings): Named[] {
  switch (who) {
    case "pods":
      return [stranger(elsewhere)];
    case "clients":
      return [stranger("a-client")];
    case "ingress":
      return network.ingressNamespaces.map(stranger);
    case "scrapers":
      return network.scraperNamespaces.map(stranger);
    case "smokeTest":
      return [stranger(smokeTest.namespace)];
    case "nodes":
      return live.nodes.slice(0, 1).flatMap(({ metadata, status }) => {
        const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
        return address ? [{ name: `node ${metadata?.name}`, end: { address }, ports: [10250] }] : [];
      });
    case "anywhere":
      // An address for documentation, RFC 5737.
      return [{ name: "addresses outside", end: { address: "198.51.100.1" }, ports: [] }];
  }
  const { namespace, labels = {} }: Part = parts[who];
  return live.pods
    .filter(
      ({ metadata }) =>
        metadata?.namespace === namespaces[namespace] &&
        picks({ matchLabels: labels }, metadata.labels ?? {}) &&
        // Jobs end.
        !metadata.ownerReferences?.some(({ kind }) => kind === "Job"),
    )
    .flatMap((pod) => named(pod) ?? []);
}

/** A needed connection that is refused. */
interface Blocked {
  from: string;
  to: string;
  port: number;
  why: string;
  by: Policy[];
}

/** Every needed connection that the policies of the cluster refuse. */
function blocked(settings: Settings, live: Live): Blocked[] {
  const found: Blocked[] = [];
  const network = {
    ...live.network,
    namespaces: { ...live.network.namespaces, "a-client": { [clientLabel]: "true" } },
  };
  const look = (from: Named, to: Named, ports: number[], protocol: "TCP" | "UDP", why: string) => {
    if (from.name === to.name) return;
    for (const port of ports) {
      const by = refusedBy(network, from.end, to.end, { port, protocol });
      if (by.length) found.push({ from: from.name, to: to.name, port, why, by });
    }
  };
  for (const flow of flows(settings) as Flow[])
    for (const from of ends(flow.from, live, settings))
      for (const to of ends(flow.to, live, settings)) {
        // Of ports that anything may listen on, one stands for all.
        const ports = flow.ports === "all" ? (to.ports.length ? to.ports : [80]) : flow.ports;
        const open = to.ports.length ? ports.filter((port) => to.ports.includes(port)) : ports;
        look(from, to, open, "TCP", flow.why);
        if (flow.udp) look(from, to, ports, "UDP", flow.why);
      }
  const servers = live.dns.flatMap((pod) => named(pod) ?? []);
  for (const from of live.pods.flatMap((pod) => named(pod) ?? []))
    for (const to of servers.slice(0, 1)) look(from, to, [53], "UDP", "names of Services");
  return found;
}

/** Who is behind a policy: its own name, and whether the stack has one of that name. */
const title = ({ metadata }: { metadata: Policy["metadata"] }) => `${metadata.namespace}/${metadata.name}`;

/**
 * Needed connections that are refused, one finding for each set of policies that refuses them. Where the stack has policies
 * of its own beside somebody else's, the cause is that one of its own lacks or was changed, or that its pods' labels were.
 */
export function judgeFlows(settings: Settings, live: Live): Finding[] {
  const own = new Set(networkPolicies(settings).map(title));
  const there = new Set(live.network.policies.map(title));
  const missing = [...own].filter((name) => !there.has(name));
  const groups = new Map<string, { all: Blocked[]; gone: string[]; strangers: string[]; names: string }>();
  for (const one of blocked(settings, live)) {
    const names = one.by.map(title);
    const strangers = names.filter((name) => !own.has(name));
    const { namespace } = (one.by[0] as Policy).metadata;
    const gone = missing.filter((name) => name.startsWith(`${namespace}/`));
    const key = [...gone, "and", ...(strangers.length ? strangers : gone.length ? [] : names)].join(" ");
    const group = groups.get(key) ?? { all: [], gone, strangers, names: names.join(", ") };
    group.all.push(one);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ all, gone, strangers, names }): Finding => {
    const [{ by, from, to, port, why }] = all as [Blocked];
    const [stranger] = strangers;
    return {
      severity: "critical",
      layer: "network",
      what: gone.length
        ? `NetworkPolicy ${gone.join(", ")} is gone: ${from} may not connect to ${to}`
        : `NetworkPolicy ${strangers.join(", ") || names} blocks a connection that the stack needs: ${from} to ${to}`,
      evidence: `port ${port} (${why}) is allowed by none of ${names}${all.length > 1 ? `; ${all.length - 1} more connections like it` : ""}`,
      fix:
        stranger && !gone.length
          ? `allow it there, or remove it: kubectl -n ${by[0]?.metadata.namespace} describe networkpolicy ${stranger.split("/")[1]}; docs/network.md lists what the stack needs`
          : "obs up puts the stack's own policies back",
      page: "docs/runbook.md#network",
    };
  });
}

const policyOf = ({ metadata, spec }: V1NetworkPolicy): Policy =>
  ({
    metadata: { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" },
    // The client calls `from` so, as it is a word of other languages.
    spec: {
      ...spec,
      ingress: spec?.ingress?.map(({ _from, ports }) => ({
        ...(_from && { from: _from }),
        ...(ports && { ports }),
      })),
    },
  }) as Policy;

/** NetworkPolicies of the cluster, the stack's and others', against every connection that the stack needs. */
export const check: Check = {
  name: "network policies",
  async look({ config, settings, cluster }) {
    const core = config.makeApiClient(CoreV1Api);
    const [policies, all, pods, nodes, dns] = await Promise.all([
      config.makeApiClient(NetworkingV1Api).listNetworkPolicyForAllNamespaces(),
      core.listNamespace(),
      cluster.pods(),
      cluster.nodes(),
      core.listNamespacedPod({ namespace: "kube-system", labelSelector: "k8s-app=kube-dns" }),
    ]);
    if (!policies.items.length) return [];
    const labels = Object.fromEntries(
      all.items.map(({ metadata }) => [metadata?.name ?? "", metadata?.labels ?? {}]),
    );
    const network = {
      policies: policies.items.map(policyOf),
      namespaces: labels,
    };
    return judgeFlows(settings, { pods, nodes, dns: dns.items, network });
  },
};
