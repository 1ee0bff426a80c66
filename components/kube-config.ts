import { KubeConfig } from "@kubernetes/client-node";
import { type Settings, UserError } from "../settings";

/**
 * The cluster as a client configuration, for the program's own API requests.
 *
 * @throws if the kubeconfig or its context does not exist
 */
export function kubeConfig({ cluster }: Settings): KubeConfig {
  const config = new KubeConfig();
  try {
    if (cluster.kubeconfig) config.loadFromFile(cluster.kubeconfig);
    else config.loadFromDefault();
    if (cluster.context) config.setCurrentContext(cluster.context);
    // Without any kubeconfig, the client falls back to this address.
    if (!process.env["KUBECONFIG"] && config.getCurrentCluster()?.server === "http://localhost:8080")
      throw new Error("no kubeconfig found: KUBECONFIG is not set and ~/.kube/config does not exist");
    if (!config.getCurrentCluster()) throw new Error(`context ${config.getCurrentContext()} does not exist`);
  } catch (error) {
    const { message } = error as Error;
    if (!cluster.kubeconfig && !cluster.context) throw new UserError(message);
    const place = cluster.kubeconfig ?? process.env["KUBECONFIG"] ?? "~/.kube/config";
    throw new UserError(
      `${cluster.kubeconfig ? "cluster.kubeconfig" : "cluster.context"}: cannot read a cluster from ${place}: ${message}`,
    );
  }
  return config;
}
