import { ApiregistrationV1Api } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { namespaces, releases } from "../names";
import { type Settings, UserError } from "../settings";
import { needsMetricsServer } from "../values/scaling";
import { kubeConfig } from "./kube-config";

const metricsApi = "v1beta1.metrics.k8s.io";

/** Who serves the API of pods' CPU: nobody, this stack, or somebody else. */
async function server(settings: Settings): Promise<"nobody" | "this stack" | "somebody else"> {
  try {
    const api = kubeConfig(settings).makeApiClient(ApiregistrationV1Api);
    const { items } = await api.listAPIService();
    const found = items.find(({ metadata }) => metadata?.name === metricsApi);
    if (!found) return "nobody";
    const { annotations } = found.metadata ?? {};
    const ours =
      annotations?.["meta.helm.sh/release-name"] === releases.metricsServer &&
      annotations["meta.helm.sh/release-namespace"] === namespaces.autoscaling;
    return ours ? "this stack" : "somebody else";
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `scaling.metricsServer: is auto, and the cluster does not tell whether it has one: ${(error as Error).message}\n` +
        "    change it with: pulumi config set --path 'scaling.metricsServer' install, or existing",
    );
  }
}

/**
 * Whether this stack installs metrics-server: where queriers are scaled by CPU and the cluster has none. Without an
 * engine (`obs render`, unit tests) no cluster is asked, and `auto` means that there is none.
 *
 * @throws UserError where the setting is `auto` and the cluster does not answer
 */
export async function installsMetricsServer(settings: Settings): Promise<boolean> {
  if (!needsMetricsServer(settings) || settings.scaling.metricsServer === "existing") return false;
  if (settings.scaling.metricsServer === "install" || !pulumi.runtime.hasEngine()) return true;
  return (await server(settings)) !== "somebody else";
}
