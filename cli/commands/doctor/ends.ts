/** The ends of a needed connection: the pods of the cluster, and others who stand for those that are not the stack's. */
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
import { type End, type Network, type Pod, picks } from "./network";

/** A pod's name for people, and what policies see of it. */
export interface Named {
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
export function named({ metadata, spec, status }: V1Pod): Named | undefined {
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
export function ends(who: PartName | Outsider, live: Live, settings: Settings): Named[] {
  const { network } = settings;
  if (isNamespace(who)) return [stranger(namespaceIn(who))];
  switch (who) {
    case "pods":
      return [stranger(elsewhere)];
    case "clients":
      return [stranger("a-client")];
    case "ingress":
      return [
        ...network.ingressNamespaces.map(stranger),
        ...network.ingressRanges.map((range): Named => {
          const [address = ""] = range.split("/");
          return { name: `addresses ${range}`, end: { address }, ports: [] };
        }),
      ];
    case "scrapers":
      return network.scraperNamespaces.map(stranger);
    case "smokeTest":
      return [stranger(smokeTest.namespace)];
    case "nodes":
      return live.nodes.slice(0, 1).flatMap(({ metadata, status }) => {
        const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
        return address ? [{ name: `node ${metadata?.name}`, end: { address }, ports: [10250] }] : [];
      });
    case "metadata":
      return [{ name: "the metadata service of the node", end: { address: "169.254.169.254" }, ports: [] }];
    case "anywhere":
      // An address for documentation, RFC 5737.
      return [{ name: "addresses outside", end: { address: "198.51.100.1" }, ports: [] }];
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
