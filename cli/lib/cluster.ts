/** The cluster that a stack is installed on. */
import { type KubeConfig, VersionApi } from "@kubernetes/client-node";
import { kubeConfig } from "../../components/kube-config";
import { reasonOf } from "../../components/preflight/facts";
import { readSettings, type Settings, UserError } from "../../settings";
import { within } from "./poll";
import { fileConfig } from "./stack-config";

/** A stack's settings, and the client configuration of its cluster. */
export interface Connection {
  settings: Settings;
  config: KubeConfig;
}

/** Seconds in which the API server must respond. */
const responseWithin = 5;

/** A stack's settings, and its cluster with the version, or why it does not respond. */
export async function look(stack: string) {
  const settings = readSettings(stack, fileConfig(stack));
  try {
    const config = kubeConfig(settings);
    const { gitVersion } = await within(responseWithin, config.makeApiClient(VersionApi).getCode());
    return {
      settings,
      cluster: { config, version: `${config.getCurrentContext()}, Kubernetes ${gitVersion}` },
    };
  } catch (error) {
    return { settings, cluster: { reason: reasonOf(error) } };
  }
}

/** Connects to a stack's cluster, and reports it on stderr. @throws UserError with the choices if no cluster responds */
export async function connect(stack: string): Promise<Connection> {
  const { settings, cluster } = await look(stack);
  if ("reason" in cluster)
    throw new UserError(
      `Cannot reach a Kubernetes cluster: ${cluster.reason}. Do one of the following:\n` +
        "  export KUBECONFIG=<path>                              use a kubeconfig whose cluster is reachable\n" +
        `  pulumi config set --stack ${stack} --path cluster.context <name>       use another context of your kubeconfig\n` +
        `  pulumi config set --stack ${stack} --path cluster.kubeconfig <path>    use another kubeconfig\n` +
        "  kind create cluster --name observability              create a cluster for a dev stack with Docker or Podman",
    );
  console.error(`obs: stack ${stack} (${settings.environment}) on ${cluster.version}`);
  return { settings, config: cluster.config };
}

/** @param does what the command does to a prod stack @throws UserError for a prod stack without `yes` */
export function requireConfirmation({ environment }: Settings, yes: boolean | undefined, does: string): void {
  if (environment === "prod" && !yes) throw new UserError(`${does}; confirm it with --yes`);
}

/** Connects to a stack for a command about stores. @throws UserError for an agent, whose hub has them */
export async function connectStores(stack: string): Promise<Connection> {
  const { hub } = readSettings(stack, fileConfig(stack));
  if (hub)
    throw new UserError(
      `stack ${stack} has no stores, Grafana or Prometheus: it sends to ${hub.stack}. Run this command for the stack of the hub`,
    );
  return connect(stack);
}
