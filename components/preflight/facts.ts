/** Facts about the cluster for the preflight. */
import type {
  V1APIService,
  V1DaemonSet,
  V1LimitRange,
  V1Namespace,
  V1Node,
  V1ObjectMeta,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PriorityClass,
  V1ResourceQuota,
  V1Service,
  V1StatefulSet,
  V1StorageClass,
} from "@kubernetes/client-node";
import type { Store } from "../../names";
import { UserError } from "../../settings";
import type { LiveGossip } from "./gossip";
import type { NamedSecret } from "./named-secrets";

/** A Secret in the settings, and its keys; none if it does not exist. */
export interface FoundSecret extends NamedSecret {
  found?: string[];
}

/** All facts that checks may need. */
export interface Facts {
  /** Version of the API server, such as `v1.34.3`. */
  version: string;
  /** UID of the namespace kube-system, which identifies the cluster. */
  clusterUid: string;
  nodes: V1Node[];
  namespaces: V1Namespace[];
  storageClasses: V1StorageClass[];
  /** Names of the installed CSI drivers. */
  csiDrivers: string[];
  priorityClasses: V1PriorityClass[];
  /** Unfinished pods of all namespaces. */
  pods: V1Pod[];
  services: V1Service[];
  daemonSets: V1DaemonSet[];
  /** StatefulSets of the stack's namespaces. */
  statefulSets: V1StatefulSet[];
  /** PersistentVolumeClaims of the stack's namespaces. */
  claims: V1PersistentVolumeClaim[];
  /** PersistentVolumes of those claims. */
  volumes: V1PersistentVolume[];
  quotas: V1ResourceQuota[];
  limitRanges: V1LimitRange[];
  /** Metadata of CRDs. */
  definitions: V1ObjectMeta[];
  apiServices: V1APIService[];
  /** API groups to whose objects mutating webhooks apply. */
  webhookGroups: string[];
  /** Metadata of the Prometheus objects of Prometheus Operator. */
  prometheuses: V1ObjectMeta[];
  /** Metadata of the Secrets in which Helm keeps its releases. */
  releases: V1ObjectMeta[];
  /** Ports on which the API server's endpoints listen. */
  apiServerPorts: number[];
  /** Configuration of CoreDNS; none if the cluster has another DNS server. */
  corefile: string | undefined;
  /** Data of the ConfigMap kube-system/cilium-config; none if it does not exist. */
  ciliumConfig: Record<string, string> | undefined;
  /** Whether the ConfigMap kube-system/cluster-autoscaler-status exists: Cluster Autoscaler writes it, also a managed one. */
  clusterAutoscaler: boolean;
  /** Gossip settings of the running stores. */
  gossip: Partial<Record<Store, LiveGossip>>;
  /** Configuration of the running Loki; none if it is not installed. */
  lokiConfiguration: string | undefined;
  /** Grafana's secret key and its origin; none if Grafana is not installed. */
  grafanaKey: { key: string; origin: string | undefined } | undefined;
  /** Secrets in the settings. */
  secrets: FoundSecret[];
}

/** The facts, and why some could not be read. */
export interface Snapshot {
  facts: Partial<Facts>;
  unread: Partial<Record<keyof Facts, string>>;
}

/** Why a request failed, in one line. */
export function reasonOf(error: unknown): string {
  const { message, cause, body, code } = error as NodeJS.ErrnoException & { body?: unknown };
  // The client's errors contain the API server's response as text.
  const answer = /"message":"((?:[^"\\]|\\.)*)"/.exec(typeof body === "string" ? body : "")?.[1];
  if (answer !== undefined) return JSON.parse(`"${answer}"`);
  const [line = ""] = (cause instanceof Error ? cause.message : message).split("\n");
  // A host with several addresses has several reasons: the message ends with none, and the code is common to them.
  return /^$|reason: $/.test(line) ? `${line}${code ?? "unknown"}` : line;
}

/** Resources of each fact in the API, for messages about permissions. */
const resources: Record<keyof Facts, string> = {
  version: "the version",
  clusterUid: "Namespace kube-system",
  nodes: "Nodes",
  namespaces: "Namespaces",
  storageClasses: "StorageClasses",
  csiDrivers: "CSIDrivers",
  priorityClasses: "PriorityClasses",
  pods: "Pods",
  services: "Services",
  daemonSets: "DaemonSets",
  statefulSets: "StatefulSets",
  claims: "PersistentVolumeClaims",
  volumes: "PersistentVolumes",
  quotas: "ResourceQuotas",
  limitRanges: "LimitRanges",
  definitions: "CustomResourceDefinitions",
  apiServices: "APIServices",
  webhookGroups: "MutatingWebhookConfigurations",
  prometheuses: "Prometheuses",
  releases: "Secrets",
  apiServerPorts: "EndpointSlices of namespace default",
  corefile: "ConfigMap kube-system/coredns",
  ciliumConfig: "ConfigMap kube-system/cilium-config",
  clusterAutoscaler: "ConfigMap kube-system/cluster-autoscaler-status",
  gossip: "ConfigMaps, StatefulSets and Deployments of the stores",
  lokiConfiguration: "the ConfigMap of Loki",
  grafanaKey: "the Secret with Grafana's secret key",
  secrets: "the Secrets in the settings",
};

/** The facts that could not be read, with reasons, as one text; undefined if there are none. */
export function unreadText({ unread }: Snapshot, keys: readonly (keyof Facts)[]): string | undefined {
  const reasons = keys.flatMap((key) => (unread[key] ? [`${resources[key]} (${unread[key]})`] : []));
  return reasons.length ? reasons.join(", ") : undefined;
}

/** @throws UserError if one of these facts could not be read: the data that it describes could not be protected */
export function requireFacts<K extends keyof Facts>(snapshot: Snapshot, keys: readonly K[]): Pick<Facts, K> {
  const unread = unreadText(snapshot, keys);
  if (unread)
    throw new UserError(
      `the cluster cannot be read, so no changes were made: ${unread}\n` +
        "    The user of the kubeconfig needs the permission to list these resources in all namespaces",
    );
  return snapshot.facts as Pick<Facts, K>;
}
