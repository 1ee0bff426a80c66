/** The identity of the cluster that a stack was created on, as kept in the stack's state. */
import { type Settings, SettingsError } from "../settings";
import { kubeConfig } from "./kube-config";

export interface Recorded {
  /** UID of the namespace kube-system, which is unique to the cluster. */
  uid: string;
  /** The provider's `clusterIdentifier`: if it changed, Pulumi would replace every object. */
  identifier: string;
  /** `namespaces.prefix`; stacks of earlier versions have none. */
  prefix?: string;
  /** Whether it was created with `hub`; stacks of earlier versions were not. */
  agent?: boolean;
}

/** Name of the Stash with that identity. */
export const stashName = "cluster";

/** What to do if the cluster in the kubeconfig replaces that of the stack. @param urn URN of the Stash */
export const replacedClusterFix = (stack: string, urn: string | undefined): string =>
  "If this cluster replaces one that no longer exists: " +
  `pulumi state delete --stack ${stack} '${urn}', then ./obs refresh ${stack} and ./obs up ${stack}; ` +
  "if it had the stack's MinIO, docs/guides/backup.md#an-empty-cluster";

/**
 * Rejects every cluster but the one that the stack was created on.
 *
 * @param uid UID of the namespace kube-system of the cluster in the kubeconfig
 * @param replaced what to do if the cluster of the stack no longer exists
 * @throws SettingsError if it is another cluster
 */
export function refuseOtherCluster(
  stack: string,
  settings: Settings,
  recorded: Recorded,
  uid: string,
  replaced: string,
): void {
  if (recorded.uid === uid) return;
  throw new SettingsError(stack, [
    {
      path: "cluster.context",
      was: settings.cluster.context ?? kubeConfig(settings).getCurrentContext(),
      allowed: `a context of the cluster that stack ${stack} was created on: namespace kube-system has the UID ${recorded.uid} there, and ${uid} here`,
      change: `Run: pulumi config set --stack ${stack} --path cluster.context <name>, or select it in the kubeconfig. ${replaced}`,
    },
  ]);
}
