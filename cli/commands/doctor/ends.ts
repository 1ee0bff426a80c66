/** The ends of a connection: pods of the cluster, and one placeholder for each group of others. */
import type { V1Node, V1Pod } from "@kubernetes/client-node";
import { namespaces, smokeTest } from "../../../names";
import type { Settings } from "../../../settings";
import {
  isNamespace,
  namespaceIn,
  type Outsider,
  type Part,
  type PartName,
  parts,
} from "../../../values/network-parts";
import { type End, type Network, picks } from "./network";

/** An end with its name. */
export interface Named {
  name: string;
  end: End;
  /** Ports that its containers declare; none if that is not known. */
  ports: number[];
}

/** The cluster, as far as policies matter. */
export interface Live {
  pods: V1Pod[];
  nodes: V1Node[];
  /** Pods of the cluster's DNS, in another namespace. */
  dns: V1Pod[];
  network: Network;
}

/** A running pod as policies see it; one on the node's network is a node to them. */
export function named({ metadata, spec, status }: V1Pod): Named | undefined {
  const { namespace = "", name = "", labels = {}, deletionTimestamp } = metadata ?? {};
  if (spec?.hostNetwork || status?.phase !== "Running" || deletionTimestamp) return undefined;
  const ports = spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  const byName = ports.flatMap((port) => (port.name ? [[port.name, port.containerPort]] : []));
  return {
    name: `${namespace}/${name}`,
    end: { namespace, labels, address: status.podIP ?? "", named: Object.fromEntries(byName) },
    ports: ports
      .filter(({ protocol = "TCP" }) => protocol === "TCP")
      .map(({ containerPort }) => containerPort),
  };
}

/** Any pod of a namespace. */
const podOf = (namespace: string): Named => ({
  name: `a pod of namespace ${namespace}`,
  end: { namespace, labels: {}, address: "" },
  ports: [],
});

const outside = (name: string, address: string, ports: number[] = []): Named => ({
  name,
  end: { address },
  ports,
});

/** The ends that a flow comes from or goes to. */
export function ends(who: PartName | Outsider, live: Live, settings: Settings): Named[] {
  const { ingressNamespaces, ingressRanges, scraperNamespaces } = settings.network;
  if (isNamespace(who)) return [podOf(namespaceIn(who))];
  switch (who) {
    case "pods":
      // A namespace that does not exist: no policy selects its pods.
      return [podOf("somebody-else")];
    case "clients":
      return [podOf("a-client")];
    case "ingress":
      return [
        ...ingressNamespaces.map(podOf),
        ...ingressRanges.map((range) => outside(`addresses ${range}`, range.split("/")[0] ?? "")),
      ];
    case "scrapers":
      return scraperNamespaces.map(podOf);
    case "smokeTest":
      return [podOf(smokeTest.namespace)];
    case "nodes":
      return live.nodes.slice(0, 1).flatMap(({ metadata, status }) => {
        const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
        return address ? [outside(`node ${metadata?.name}`, address, [10250])] : [];
      });
    case "metadata":
      return [outside("the metadata service of the node", "169.254.169.254")];
    case "anywhere":
      // An address for documentation, RFC 5737.
      return [outside("addresses outside", "198.51.100.1")];
  }
  const { namespace, labels = {} }: Part = parts[who];
  return live.pods
    .filter(
      ({ metadata }) =>
        metadata?.namespace === namespaces(settings)[namespace] &&
        picks({ matchLabels: labels }, metadata.labels ?? {}) &&
        // Jobs end.
        !metadata.ownerReferences?.some(({ kind }) => kind === "Job"),
    )
    .flatMap((pod) => named(pod) ?? []);
}
