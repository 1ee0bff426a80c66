/** Access to the Kubernetes cluster: for Pulumi's provider and for the few things that the program reads itself. */
import { KubeConfig } from "@kubernetes/client-node";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings";

/** The provider that every object is created with. */
export function clusterProvider({ cluster }: Settings): k8s.Provider {
  return new k8s.Provider("cluster", {
    ...(cluster.kubeconfig && { kubeconfig: cluster.kubeconfig }),
    ...(cluster.context && { context: cluster.context }),
    // Another path or context to the same cluster must not look like another cluster, which would replace everything.
    clusterIdentifier: cluster.name,
  });
}

/**
 * The same cluster as a client configuration.
 *
 * @throws when the kubeconfig or its context is not there
 */
export function kubeConfig({ cluster }: Settings): KubeConfig {
  const config = new KubeConfig();
  try {
    if (cluster.kubeconfig) config.loadFromFile(cluster.kubeconfig);
    else config.loadFromDefault();
    if (cluster.context) config.setCurrentContext(cluster.context);
    if (!config.getCurrentCluster()) throw new Error(`there is no context ${config.getCurrentContext()}`);
  } catch (error) {
    const place = cluster.kubeconfig ?? process.env["KUBECONFIG"] ?? "~/.kube/config";
    throw new pulumi.RunError(
      `cluster.kubeconfig: no cluster can be read from ${place}: ${(error as Error).message}; allowed: a kubeconfig and one of its contexts\n` +
        "    change it with: pulumi config set --path 'cluster.kubeconfig' <path>, or 'cluster.context' <name>, or KUBECONFIG in the environment",
    );
  }
  return config;
}
