import * as k8s from "@pulumi/kubernetes";
import type { Settings } from "../settings";

/**
 * The provider that every object is created with.
 *
 * @param clusterIdentifier identifies the cluster; a change of it replaces every object
 */
export function clusterProvider({ cluster }: Settings, clusterIdentifier: string): k8s.Provider {
  return new k8s.Provider("cluster", {
    ...(cluster.kubeconfig && { kubeconfig: cluster.kubeconfig }),
    ...(cluster.context && { context: cluster.context }),
    // With it, another path or context of the same cluster is not mistaken for another cluster.
    clusterIdentifier,
    // Updates in place: a replacement would delete a Secret or ConfigMap for a moment, and a dashboard with it.
    enableSecretMutable: true,
    enableConfigMapMutable: true,
  });
}
