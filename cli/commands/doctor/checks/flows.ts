import { CoreV1Api, NetworkingV1Api, type V1NetworkPolicy } from "@kubernetes/client-node";
import { clientLabel } from "../../../../names";
import type { Settings } from "../../../../settings";
import { flows } from "../../../../values/network-flows";
import type { Flow } from "../../../../values/network-parts";
import { networkPolicies } from "../../../../values/network-policies";
import type { Check, Finding } from "../check";
import { ends, type Live, type Named, named } from "../ends";
import { type Policy, refusedBy } from "../network";

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
          ? `allow it there, or remove it: kubectl -n ${by[0]?.metadata.namespace} describe networkpolicy ${stranger.split("/")[1]}; docs/guides/network.md lists what the stack needs`
          : "obs up puts the stack's own policies back",
      page: "docs/operations/runbook.md#network",
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
