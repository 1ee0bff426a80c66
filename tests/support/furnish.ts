/** Objects that a real cluster has and an API server alone lacks, so that the preflight has no findings. */
import { namespaceOwner } from "../../names";
import type { ApiServer } from "./api-server";
import { namespaces } from "./names";
import type { KubernetesObject } from "./rendered";

const node = (name: string, zone: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": zone } },
  status: {
    allocatable: { cpu: "16", memory: "64Gi", pods: "110" },
    conditions: [{ type: "Ready", status: "True" }],
  },
});

const objects: KubernetesObject[] = [
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "csi.stack.test",
    allowVolumeExpansion: true,
    volumeBindingMode: "WaitForFirstConsumer",
  },
  ...["a", "a", "b", "b", "c", "c"].map((zone, index) => node(`node-${index}`, zone)),
  // The Secret in the settings of the shipped prod stack, in a namespace of that stack.
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespaces.grafana, labels: { [namespaceOwner.label]: namespaceOwner.project } },
  },
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "grafana-login", namespace: namespaces.grafana },
    stringData: { OAUTH_CLIENT_SECRET: "of the test" },
  },
];

/** @throws if the API server rejects one of the objects */
export async function furnish(api: ApiServer): Promise<void> {
  for (const object of objects) {
    const { status, message } = await api.create(object);
    if (status !== 201) throw new Error(`${object.kind} ${object.metadata.name}: ${status} ${message}`);
  }
}
