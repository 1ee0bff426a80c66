/** Objects of a stack in a cluster: its namespaces, and cluster-scoped objects of its releases. */
import { CoreV1Api, type KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import { namespaces } from "../names";
import type { Settings } from "../settings";

/** Cluster-scoped kinds that the charts install; CRDs stay when Helm uninstalls. */
const kinds = [
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" },
  { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding" },
  { apiVersion: "admissionregistration.k8s.io/v1", kind: "MutatingWebhookConfiguration" },
  { apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration" },
  { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService" },
];

/** Existing namespaces of the stack, including terminating ones. */
export async function presentNamespaces(config: KubeConfig, settings: Settings): Promise<string[]> {
  const { items } = await config.makeApiClient(CoreV1Api).listNamespace();
  const names = items.map(({ metadata }) => metadata?.name ?? "");
  return Object.values(namespaces(settings)).filter((name) => names.includes(name));
}

/** The stack's namespaces, and the cluster-scoped objects of its releases according to Helm, as `Kind name`. */
export async function leftIn(config: KubeConfig, settings: Settings): Promise<string[]> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const ours = new Set<string>(Object.values(namespaces(settings)));
  const found = await Promise.all(
    kinds.map(async ({ apiVersion, kind }) => {
      const { items } = await api.list(apiVersion, kind);
      return items
        .filter(({ metadata }) => ours.has(metadata?.annotations?.["meta.helm.sh/release-namespace"] ?? ""))
        .map(({ metadata }) => `${kind} ${metadata?.name}`);
    }),
  );
  return [...(await presentNamespaces(config, settings)).map((name) => `Namespace ${name}`), ...found.flat()];
}
