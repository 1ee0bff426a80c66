import { namespaces } from "../../support/names";
import { type Cluster, change, type Fault } from "../fault";

/**
 * A PVC whose StorageClass does not exist. A StatefulSet's own PVCs cannot be changed, so a second replica of Loki's
 * compactor finds an existing PVC of its name with a missing class.
 */
const namespace = namespaces.loki;
const name = "data-loki-compactor-1";
const workload = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { namespace, name: "loki-compactor" },
};
let made = false;

export const fault: Fault = {
  name: "volume-pending",
  async make(cluster: Cluster) {
    await cluster.core.createNamespacedPersistentVolumeClaim({
      namespace,
      body: {
        metadata: { name },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "no-such-class",
          resources: { requests: { storage: "1Gi" } },
        },
      },
    });
    made = true;
    await change(cluster, workload, { spec: { replicas: 2 } });
  },
  async fix(cluster: Cluster) {
    if (!made) return;
    await change(cluster, workload, { spec: { replicas: 1 } });
    await cluster.core.deleteNamespacedPersistentVolumeClaim({ namespace, name });
    made = false;
  },
  expected: /claim loki\/data-loki-compactor-1 gets no volume: there is no StorageClass no-such-class/,
  page: "docs/operations/runbook.md#storage",
};
