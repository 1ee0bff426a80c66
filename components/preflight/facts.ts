/** What the preflight knows about the cluster: read once, in parallel, before anything is registered. */
import {
  ApiextensionsV1Api,
  ApiregistrationV1Api,
  AppsV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  type KubeConfig,
  SchedulingV1Api,
  StorageV1Api,
  setHeaderOptions,
  type V1APIService,
  type V1DaemonSet,
  type V1LimitRange,
  type V1Namespace,
  type V1Node,
  type V1ObjectMeta,
  type V1PersistentVolume,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1PriorityClass,
  type V1ResourceQuota,
  type V1Service,
  type V1StatefulSet,
  type V1StorageClass,
  VersionApi,
} from "@kubernetes/client-node";
import { namespaces, type Store } from "../../names";
import { type Settings, UserError } from "../../settings";
import { type LiveGossip, liveGossip } from "./gossip";
import { type NamedSecret, namedSecrets } from "./named-secrets";

/** A Secret that the settings name, and the keys that it has; none if it does not exist. */
export interface FoundSecret extends NamedSecret {
  found?: string[];
}

/** Everything that checks may need. */
export interface Facts {
  /** Version of the API server, such as `v1.34.3`. */
  version: string;
  /** UID of the namespace kube-system, which identifies the cluster. */
  clusterUid: string;
  nodes: V1Node[];
  namespaces: V1Namespace[];
  storageClasses: V1StorageClass[];
  priorityClasses: V1PriorityClass[];
  /** Pods that are not finished, of all namespaces. */
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
  /** Metadata of custom resource definitions. */
  definitions: V1ObjectMeta[];
  apiServices: V1APIService[];
  /** Metadata of the Secrets in which Helm keeps its releases. */
  releases: V1ObjectMeta[];
  /** Ports on which the API server's endpoints listen. */
  apiServerPorts: number[];
  /** Configuration of CoreDNS; none if the cluster has another DNS server. */
  corefile: string | undefined;
  /** Data of the ConfigMap kube-system/cilium-config; none if it does not exist. */
  ciliumConfig: Record<string, string> | undefined;
  /** What the stores that run say about gossip. */
  gossip: Partial<Record<Store, LiveGossip>>;
  /** Secrets that the settings name. */
  secrets: FoundSecret[];
}

/** What could be read, and why the rest could not. */
export interface Snapshot {
  facts: Partial<Facts>;
  unread: Partial<Record<keyof Facts, string>>;
}

/** Lists without specs and data: definitions and releases are large, and their metadata says who owns them. */
const metadataOnly = setHeaderOptions(
  "accept",
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
);
const metadataOf = ({ items }: { items: { metadata?: V1ObjectMeta }[] }): V1ObjectMeta[] =>
  items.flatMap(({ metadata }) => metadata ?? []);

/** What is there; nothing if it is not. */
const unlessMissing = <T>(read: Promise<T>): Promise<T | undefined> =>
  read.catch((error: { code?: number }) => {
    if (error.code === 404) return undefined;
    throw error;
  });

type Readers = { [K in keyof Facts]: () => Promise<Facts[K]> };

function readers(config: KubeConfig, settings: Settings): Readers {
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const ours: ReadonlySet<string> = new Set(Object.values(namespaces(settings)));
  /** Objects of the stack's own namespaces. */
  const inStack = <T extends { metadata?: V1ObjectMeta }>({ items }: { items: T[] }): T[] =>
    items.filter(({ metadata }) => ours.has(metadata?.namespace ?? ""));
  const running = "status.phase!=Succeeded,status.phase!=Failed";
  return {
    version: async () => (await config.makeApiClient(VersionApi).getCode()).gitVersion,
    clusterUid: async () => (await core.readNamespace({ name: "kube-system" })).metadata?.uid ?? "",
    nodes: async () => (await core.listNode()).items,
    namespaces: async () => (await core.listNamespace()).items,
    storageClasses: async () => (await config.makeApiClient(StorageV1Api).listStorageClass()).items,
    priorityClasses: async () => (await config.makeApiClient(SchedulingV1Api).listPriorityClass()).items,
    pods: async () => (await core.listPodForAllNamespaces({ fieldSelector: running })).items,
    services: async () => (await core.listServiceForAllNamespaces()).items,
    daemonSets: async () => (await apps.listDaemonSetForAllNamespaces()).items,
    statefulSets: async () => inStack(await apps.listStatefulSetForAllNamespaces()),
    claims: async () => inStack(await core.listPersistentVolumeClaimForAllNamespaces()),
    volumes: async () =>
      (await core.listPersistentVolume()).items.filter(({ spec }) =>
        ours.has(spec?.claimRef?.namespace ?? ""),
      ),
    quotas: async () => inStack(await core.listResourceQuotaForAllNamespaces()),
    limitRanges: async () => inStack(await core.listLimitRangeForAllNamespaces()),
    definitions: async () =>
      metadataOf(
        await config.makeApiClient(ApiextensionsV1Api).listCustomResourceDefinition({}, metadataOnly),
      ),
    apiServices: async () => (await config.makeApiClient(ApiregistrationV1Api).listAPIService()).items,
    releases: async () =>
      metadataOf(await core.listSecretForAllNamespaces({ labelSelector: "owner=helm" }, metadataOnly)),
    apiServerPorts: async () => {
      const { items } = await config.makeApiClient(DiscoveryV1Api).listNamespacedEndpointSlice({
        namespace: "default",
        labelSelector: "kubernetes.io/service-name=kubernetes",
      });
      return [...new Set(items.flatMap(({ ports = [] }) => ports.flatMap(({ port }) => port ?? [])))];
    },
    corefile: async () =>
      (await unlessMissing(core.readNamespacedConfigMap({ namespace: "kube-system", name: "coredns" })))
        ?.data?.["Corefile"],
    ciliumConfig: async () =>
      (await unlessMissing(core.readNamespacedConfigMap({ namespace: "kube-system", name: "cilium-config" })))
        ?.data,
    gossip: () => liveGossip(config, settings),
    secrets: () =>
      Promise.all(
        namedSecrets(settings).map(async (secret) => {
          const { namespace, name } = secret;
          const live = await unlessMissing(core.readNamespacedSecret({ namespace, name }));
          return live ? { ...secret, found: Object.keys(live.data ?? {}) } : secret;
        }),
      ),
  };
}

/** Why a request failed, in one line. */
export function reasonOf(error: unknown): string {
  const { message, cause, body } = error as Error & { body?: unknown };
  // The client's errors have the API server's answer as text.
  const answer = /"message":"((?:[^"\\]|\\.)*)"/.exec(typeof body === "string" ? body : "")?.[1];
  if (answer !== undefined) return JSON.parse(`"${answer}"`);
  return cause instanceof Error ? cause.message : (message.split("\n")[0] ?? "");
}

/**
 * Reads the cluster. A request that the cluster refuses leaves its fact unread and the others as they are.
 *
 * @param wanted the facts to read. @default all
 * @throws UserError if the API server does not answer at all
 */
export async function readFacts(
  config: KubeConfig,
  settings: Settings,
  wanted?: readonly (keyof Facts)[],
): Promise<Snapshot> {
  const all = readers(config, settings);
  const snapshot: Snapshot = { facts: {}, unread: {} };
  const read = async <K extends keyof Facts>(key: K) => {
    try {
      snapshot.facts[key] = await all[key]();
    } catch (error) {
      snapshot.unread[key] = reasonOf(error);
    }
  };
  // Every cluster gives its version to everybody: without it there is nobody to read from.
  await read("version");
  if (snapshot.unread.version)
    throw new UserError(
      `the cluster does not answer, so nothing was changed: ${snapshot.unread.version}\n` +
        "    check cluster.kubeconfig, cluster.context and KUBECONFIG",
    );
  await Promise.all((wanted ?? (Object.keys(all) as (keyof Facts)[])).map(read));
  return snapshot;
}

/** What each fact is called in the API, for messages about permissions. */
const resources: Record<keyof Facts, string> = {
  version: "the version",
  clusterUid: "Namespace kube-system",
  nodes: "Nodes",
  namespaces: "Namespaces",
  storageClasses: "StorageClasses",
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
  releases: "Secrets",
  apiServerPorts: "EndpointSlices of namespace default",
  corefile: "ConfigMap kube-system/coredns",
  ciliumConfig: "ConfigMap kube-system/cilium-config",
  gossip: "ConfigMaps, StatefulSets and Deployments of the stores",
  secrets: "the Secrets that the settings name",
};

/** Which of these facts could not be read and why, in one text; nothing if all are known. */
export function unreadText({ unread }: Snapshot, keys: readonly (keyof Facts)[]): string | undefined {
  const reasons = keys.flatMap((key) => (unread[key] ? [`${resources[key]} (${unread[key]})`] : []));
  return reasons.length ? reasons.join(", ") : undefined;
}

/** @throws UserError if one of these facts could not be read: unread, nothing of it could be protected */
export function requireFacts<K extends keyof Facts>(snapshot: Snapshot, keys: readonly K[]): Pick<Facts, K> {
  const unread = unreadText(snapshot, keys);
  if (unread)
    throw new UserError(
      `the cluster cannot be read, so nothing was changed: ${unread}\n` +
        "    the user of the kubeconfig needs the permission to list them in all namespaces",
    );
  return snapshot.facts as Pick<Facts, K>;
}
