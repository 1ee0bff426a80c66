import * as pulumi from "@pulumi/pulumi";
import { type Settings, SettingsError } from "../settings";
import { kubeConfig } from "./kube-config";
import { requireFacts, type Snapshot } from "./preflight/facts";

/** What the stack's state keeps about the cluster that the stack was created on. */
interface Recorded {
  /** UID of the namespace kube-system, which no other cluster has. */
  uid: string;
  /** The provider's `clusterIdentifier`: if it changed, Pulumi would replace every object. */
  identifier: string;
}

/** The value of an output; undefined if it is unknown, as it is for a resource that `--target` leaves out. */
async function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { value } = await pulumi.runtime.serializeProperties("value", { value: output });
  return value === pulumi.runtime.unknownValue ? undefined : value;
}

/**
 * Ties the stack to its cluster. The first `up` writes the cluster's UID and name to the stack's state; from then on
 * the program refuses every other cluster, whatever the kubeconfig says, and `cluster.name` is a label that can change.
 *
 * @param cluster what was read of the cluster; without it, as in `obs render`, there is nothing to compare
 * @returns the provider's `clusterIdentifier`
 * @throws SettingsError if the stack was created on another cluster
 */
export async function clusterIdentity(
  stack: string,
  settings: Settings,
  cluster: Snapshot | undefined,
): Promise<string> {
  const identifier = settings.cluster.name;
  if (!cluster) return identifier;
  const { clusterUid: uid } = requireFacts(cluster, ["clusterUid"]);
  // A Stash keeps the first value. Without ignoreChanges a run that is refused could still write its own input.
  const stash = new pulumi.Stash("cluster", { input: { uid, identifier } }, { ignoreChanges: ["input"] });
  const recorded: Recorded = (await known(stash.output)) ?? { uid, identifier };
  if (recorded.uid === uid) return recorded.identifier;
  const urn = await known(stash.urn);
  throw new SettingsError(stack, [
    {
      path: "cluster.context",
      was: settings.cluster.context ?? kubeConfig(settings).getCurrentContext(),
      allowed: `a context of the cluster that stack ${stack} was created on: namespace kube-system has the UID ${recorded.uid} there, and ${uid} here`,
      change:
        `Run: pulumi config set --stack ${stack} --path cluster.context <name>, or select it in the kubeconfig. If this cluster replaces one that no longer exists: ` +
        `pulumi state delete --stack ${stack} '${urn}', then ./obs refresh ${stack} and ./obs up ${stack}`,
    },
  ]);
}
