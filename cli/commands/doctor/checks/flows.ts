import { CoreV1Api, NetworkingV1Api } from "@kubernetes/client-node";
import { clientLabel } from "../../../../names";
import type { Settings } from "../../../../settings";
import { flows } from "../../../../values/network-flows";
import type { Flow } from "../../../../values/network-parts";
import { networkPolicies } from "../../../../values/network-policies";
import { grouped } from "../../../lib/text";
import { type Check, type Finding, findingIn } from "../check";
import { ends, type Live, type Named, named } from "../ends";
import { type Policy, refusedBy } from "../network";

/** A needed connection that policies block. */
interface Blocked {
  from: string;
  to: string;
  port: number;
  why: string;
  by: Policy[];
}

/** Every needed connection that the cluster's policies block. */
function blocked(settings: Settings, live: Live): Blocked[] {
  const found: Blocked[] = [];
  const labels = { ...live.network.namespaces, "a-client": { [clientLabel]: "true" } };
  const network = { ...live.network, namespaces: labels };
  const test = (from: Named, to: Named, ports: number[], protocol: "TCP" | "UDP", why: string) => {
    if (from.name === to.name) return;
    for (const port of ports) {
      const by = refusedBy(network, from.end, to.end, { port, protocol });
      if (by.length) found.push({ from: from.name, to: to.name, port, why, by });
    }
  };
  for (const flow of flows(settings) as Flow[])
    for (const from of ends(flow.from, live, settings))
      for (const to of ends(flow.to, live, settings)) {
        // One port is tested for all ports that any program may listen on.
        const ports = flow.ports === "all" ? (to.ports.length ? to.ports : [80]) : flow.ports;
        const open = to.ports.length ? ports.filter((port) => to.ports.includes(port)) : ports;
        test(from, to, open, "TCP", flow.why);
        if (flow.udp) test(from, to, ports, "UDP", flow.why);
      }
  const [server] = live.dns.flatMap((pod) => named(pod) ?? []);
  if (server)
    for (const from of live.pods.flatMap((pod) => named(pod) ?? []))
      test(from, server, [53], "UDP", "names of Services");
  return found;
}

const finding = findingIn("network", "docs/operations/runbook.md#network");
const title = ({ metadata }: { metadata: Policy["metadata"] }) => `${metadata.namespace}/${metadata.name}`;

/**
 * Needed connections that are blocked, one finding for each set of policies that blocks them. If the stack has policies,
 * the cause is a missing or changed one, a policy of others, or changed labels of pods.
 */
export function judgeFlows(settings: Settings, live: Live): Finding[] {
  const own = networkPolicies(settings).map(title);
  const existing = live.network.policies.map(title);
  const missing = own.filter((name) => !existing.includes(name));
  const causes = ({ by }: Blocked) => {
    const names = by.map(title);
    const gone = missing.filter((name) => name.startsWith(`${by[0]?.metadata.namespace}/`));
    return { names, gone, others: names.filter((name) => !own.includes(name)) };
  };
  const groups = grouped(blocked(settings, live), (one) => {
    const { names, gone, others } = causes(one);
    return [...gone, "and", ...(others.length ? others : gone.length ? [] : names)].join(" ");
  });
  const found = [...groups.values()].map((all): Finding => {
    const [first] = all;
    const { from, to, port, why } = first;
    const { names, gone, others } = causes(first);
    const [namespace, other] = others[0]?.split("/") ?? [];
    const more = all.length > 1 ? `; ${all.length - 1} more connections like it` : "";
    return finding.critical(
      gone.length
        ? `NetworkPolicy ${gone.join(", ")} is gone: ${from} may not connect to ${to}`
        : `NetworkPolicy ${(others.length ? others : names).join(", ")} blocks a connection that the stack needs: ${from} to ${to}`,
      `port ${port} (${why}) is allowed by none of ${names.join(", ")}${more}`,
      other && !gone.length
        ? `allow it there, or remove the policy: kubectl -n ${namespace} describe networkpolicy ${other}; docs/guides/network.md lists the connections of the stack`
        : "./obs up restores the stack's own policies",
    );
  });
  // A namespace without policies blocks nothing.
  if (found.length || !missing.length || !settings.network.policies) return found;
  return [
    finding.warning(
      `NetworkPolicies of the stack do not exist: ${missing.join(", ")}`,
      "pods reach the stores of every tenant without a login",
      "./obs refresh, then ./obs up: it creates them again",
    ),
  ];
}

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
    const labels = all.items.map(({ metadata }) => [metadata?.name ?? "", metadata?.labels ?? {}]);
    const network = { policies: policies.items as Policy[], namespaces: Object.fromEntries(labels) };
    return judgeFlows(settings, { pods, nodes, dns: dns.items, network });
  },
};
