/** Finding the cluster that a stack is installed on. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { VersionApi } from "@kubernetes/client-node";
import { kubeConfig } from "../../components/kube-config";
import { readSettings, type Settings, UserError } from "../../settings";
import { onPath } from "./pulumi";
import { fileConfig, root } from "./stack-config";

const kindCluster = "observability";
const answerWithin = 5000;
/** The kubeconfig of a kind cluster that an earlier run made. */
const made = join(root, ".obs", "kubeconfig");

/** The cluster's version, or why it gives none. */
async function version(settings: Settings): Promise<{ version: string } | { reason: string }> {
  try {
    const config = kubeConfig(settings);
    const late = new Promise<never>((_, fail) =>
      setTimeout(() => fail(new Error("no response within 5 s")), answerWithin).unref(),
    );
    const { gitVersion } = await Promise.race([config.makeApiClient(VersionApi).getCode(), late]);
    return { version: `${config.getCurrentContext()}, Kubernetes ${gitVersion}` };
  } catch (error) {
    const { message, cause } = error as Error;
    return { reason: cause instanceof Error ? cause.message : (message.split("\n")[0] ?? "") };
  }
}

/** A container engine that runs here, for kind. */
const containerEngine = () =>
  ["docker", "podman"].find((engine) => onPath(engine) && spawnSync(engine, ["info"]).status === 0);

/** Makes a kind cluster, or finds the one made before; its kubeconfig stays in the project. */
function kind(): Record<string, string> {
  const exists = spawnSync("kind", ["get", "clusters"], { encoding: "utf8" })
    .stdout?.split("\n")
    .includes(kindCluster);
  const args = exists
    ? ["export", "kubeconfig", "--name", kindCluster, "--kubeconfig", made]
    : ["create", "cluster", "--name", kindCluster, "--kubeconfig", made, "--wait", "2m"];
  if (spawnSync("kind", args, { stdio: "inherit" }).status !== 0)
    throw new UserError("kind could not create a cluster; its output is above");
  return { KUBECONFIG: made };
}

/**
 * Finds a cluster for the stack: the one that its settings name, else the current context of the kubeconfig where it
 * answers, else, for a dev stack, a kind cluster.
 *
 * @returns what to add to the environment, and a line that says which cluster it is
 * @throws UserError listing the choices when there is none
 */
async function findCluster(
  settings: Settings,
): Promise<{ environment: Record<string, string>; name: string }> {
  const found = await version(settings);
  if ("version" in found) return { environment: {}, name: found.version };
  const { kubeconfig, context } = settings.cluster;
  const engine = kubeconfig || context || settings.environment !== "dev" ? undefined : containerEngine();
  if (engine && onPath("kind")) return { environment: kind(), name: `kind cluster ${kindCluster}` };
  throw new UserError(
    `Cannot reach a Kubernetes cluster: ${found.reason}. Do one of the following:\n` +
      "  export KUBECONFIG=<path>                              use a kubeconfig whose cluster is reachable\n" +
      "  pulumi config set --path cluster.context <name>       use another context of your kubeconfig\n" +
      "  pulumi config set --path cluster.kubeconfig <path>    use another kubeconfig\n" +
      "  install kind and Docker or Podman                     obs then creates a cluster for dev stacks" +
      (engine ? ` (${engine} is running, kind is missing)` : ""),
  );
}

/** A stack's settings and its cluster. */
export interface Located {
  settings: Settings;
  /** What commands that reach the cluster need in their environment. */
  environment: Record<string, string>;
}

/** A stack's settings. A kind cluster that an earlier run made is found again even though no kubeconfig points to it. */
function settingsOf(stack: string): Settings {
  const settings = readSettings(stack, fileConfig(stack));
  if (existsSync(made) && !process.env["KUBECONFIG"] && !settings.cluster.kubeconfig)
    process.env["KUBECONFIG"] = made;
  return settings;
}

/** A stack's settings, and which cluster answers for it or why none does; none is made. */
export async function look(
  stack: string,
): Promise<{ settings: Settings; cluster: { version: string } | { reason: string } }> {
  const settings = settingsOf(stack);
  return { settings, cluster: await version(settings) };
}

/** Checks a stack's settings, then finds its cluster, and says on stderr which it is. */
export async function locate(stack: string): Promise<Located> {
  const settings = settingsOf(stack);
  const { environment, name } = await findCluster(settings);
  console.error(`obs: stack ${stack} (${settings.environment}) on ${name}`);
  return { settings, environment };
}
