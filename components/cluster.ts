import * as k8s from "@pulumi/kubernetes";
import type { Settings } from "../settings";

/** The provider that every object is created with. */
export function clusterProvider({ cluster }: Settings): k8s.Provider {
  return new k8s.Provider("cluster", {
    ...(cluster.kubeconfig && { kubeconfig: cluster.kubeconfig }),
    ...(cluster.context && { context: cluster.context }),
    // Another path or context to the same cluster must not look like another cluster, which would replace everything.
    clusterIdentifier: cluster.name,
    // A changed Secret is written over: replaced, it would be gone for a moment.
    enableSecretMutable: true,
  });
}
