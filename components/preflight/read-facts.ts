/** Reads the cluster: once, in parallel, before anything is registered. */
import {
  AdmissionregistrationV1Api,
  ApiextensionsV1Api,
  ApiregistrationV1Api,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  type KubeConfig,
  SchedulingV1Api,
  StorageV1Api,
  type V1ObjectMeta,
  VersionApi,
} from "@kubernetes/client-node";
import { grafana, grafanaEnv, keyOrigin, namespaces } from "../../names";
import { type Settings, UserError } from "../../settings";
import { itemsOf, metadataOnly } from "../metadata-lists";
import { type Facts, reasonOf, type Snapshot } from "./facts";
import { configurations, liveGossip } from "./gossip";
import { namedSecrets } from "./named-secrets";

const metadataOf = (list: { items: { metadata?: V1ObjectMeta }[] }): V1ObjectMeta[] =>
  itemsOf(list).flatMap(({ metadata }) => metadata ?? []);

/** The result of a read; undefined if the object does not exist. */
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
    csiDrivers: async () =>
      metadataOf(await config.makeApiClient(StorageV1Api).listCSIDriver()).flatMap(({ name }) => name ?? []),
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
    webhookGroups: async () => {
      const admission = config.makeApiClient(AdmissionregistrationV1Api);
      const { items } = await admission.listMutatingWebhookConfiguration();
      const rules = items.flatMap(({ webhooks = [] }) => webhooks.flatMap(({ rules = [] }) => rules));
      return [...new Set(rules.flatMap(({ apiGroups = [] }) => apiGroups))];
    },
    prometheuses: async () => {
      const kind = { group: "monitoring.coreos.com", version: "v1", plural: "prometheuses" };
      const custom = config.makeApiClient(CustomObjectsApi);
      return metadataOf((await unlessMissing(custom.listClusterCustomObject(kind))) ?? { items: [] });
    },
    releases: async () =>
      metadataOf(await core.listSecretForAllNamespaces({ labelSelector: "owner=helm" }, metadataOnly)),
    apiServerPorts: async () => {
      const { items } = await config.makeApiClient(DiscoveryV1Api).listNamespacedEndpointSlice({
        namespace: "default",
        labelSelector: "kubernetes.io/service-name=kubernetes",
      });
      return [...new Set(items.flatMap(({ ports = [] }) => ports.flatMap(({ port }) => port ?? [])))];
    },
    corefile: async () => {
      // The second name is RKE2's.
      for (const name of ["coredns", "rke2-coredns-rke2-coredns"]) {
        const map = await unlessMissing(core.readNamespacedConfigMap({ namespace: "kube-system", name }));
        if (map) return map.data?.["Corefile"];
      }
      return undefined;
    },
    ciliumConfig: async () =>
      (await unlessMissing(core.readNamespacedConfigMap({ namespace: "kube-system", name: "cilium-config" })))
        ?.data,
    clusterAutoscaler: async () => {
      const status = { namespace: "kube-system", name: "cluster-autoscaler-status" };
      return (await unlessMissing(core.readNamespacedConfigMap(status))) !== undefined;
    },
    gossip: () => liveGossip(config, settings),
    lokiConfiguration: async () => {
      const { name, key } = configurations.loki;
      const namespace = namespaces(settings).loki;
      return (await unlessMissing(core.readNamespacedConfigMap({ namespace, name })))?.data?.[key];
    },
    grafanaKey: async () => {
      const of = { namespace: namespaces(settings).grafana, name: grafana.secret };
      const live = await unlessMissing(core.readNamespacedSecret(of));
      const key = Buffer.from(live?.data?.[grafanaEnv.secretKey] ?? "", "base64").toString();
      return key ? { key, origin: live?.metadata?.annotations?.[keyOrigin.annotation] } : undefined;
    },
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

/**
 * Reads the cluster. If the cluster denies a request, its fact is missing and the others are not affected.
 *
 * @param wanted the facts to read. @default all
 * @throws UserError if the API server does not respond at all
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
  // Every user may read the version: if it cannot be read, the cluster is unreachable.
  await read("version");
  if (snapshot.unread.version)
    throw new UserError(
      `the cluster does not respond, so no changes were made: ${snapshot.unread.version}\n` +
        "    Check cluster.kubeconfig, cluster.context and KUBECONFIG",
    );
  await Promise.all((wanted ?? (Object.keys(all) as (keyof Facts)[])).map(read));
  return snapshot;
}
