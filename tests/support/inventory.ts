/** All objects of a cluster that a stack could leave behind. */
import { type KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";

/** Kinds that a stack creates, or could create, outside its namespaces. */
const kinds = [
  ["v1", "Namespace"],
  ["v1", "PersistentVolume"],
  ["v1", "Service"],
  ["v1", "Secret"],
  ["v1", "ServiceAccount"],
  ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
  ["rbac.authorization.k8s.io/v1", "ClusterRole"],
  ["rbac.authorization.k8s.io/v1", "ClusterRoleBinding"],
  ["rbac.authorization.k8s.io/v1", "Role"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding"],
  ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"],
  ["admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"],
  ["apiregistration.k8s.io/v1", "APIService"],
  ["scheduling.k8s.io/v1", "PriorityClass"],
  ["storage.k8s.io/v1", "StorageClass"],
];

/** All objects of these kinds in the cluster, as `Kind namespace/name`. */
export async function inventory(config: KubeConfig): Promise<string[]> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const lists = await Promise.all(
    kinds.map(async ([apiVersion = "", kind = ""]) => {
      const { items } = await api.list(apiVersion, kind);
      return items.map(({ metadata }) => `${kind} ${metadata?.namespace ?? ""}/${metadata?.name}`);
    }),
  );
  return lists.flat().sort();
}
