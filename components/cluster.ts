import * as k8s from "@pulumi/kubernetes";
import type { Settings } from "../settings";

/**
 * The provider that every object is created with.
 *
 * @param clusterIdentifier what tells this cluster from others; a change of it replaces every object
 */
export function clusterProvider({ cluster }: Settings, clusterIdentifier: string): k8s.Provider {
  return new k8s.Provider("cluster", {
    ...(cluster.kubeconfig && { kubeconfig: cluster.kubeconfig }),
    ...(cluster.context && { context: cluster.context }),
    // Another path or context to the same cluster must not look like another cluster.
    clusterIdentifier,
    // Updated in place: a replaced Secret or ConfigMap would be gone for a moment, and a dashboard with it.
    enableSecretMutable: true,
    enableConfigMapMutable: true,
  });
}
