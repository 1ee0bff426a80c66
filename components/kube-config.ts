import { KubeConfig } from "@kubernetes/client-node";
import { type Settings, UserError } from "../settings";

/**
 * The cluster as a client configuration, for the few things that the program reads itself.
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
    throw new UserError(
      `cluster.kubeconfig: no cluster can be read from ${place}: ${(error as Error).message}; allowed: a kubeconfig and one of its contexts\n` +
        "    change it with: pulumi config set --path 'cluster.kubeconfig' <path>, or 'cluster.context' <name>, or KUBECONFIG in the environment",
    );
  }
  return config;
}
