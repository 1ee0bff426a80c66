/** The cluster of a stack, in which alone its data and objects are deleted or replaced. */
import { CoreV1Api } from "@kubernetes/client-node";
import {
  type Recorded,
  refuseOtherCluster,
  replacedClusterFix,
  stashName,
} from "../../components/recorded-cluster";
import { namespaceOwner, namespaces, ownerName } from "../../names";
import { SettingsError } from "../../settings";
import type { Connection } from "./cluster";
import type { Deployment } from "./pulumi";

/** The Stash with the identity of the stack's cluster; undefined in stacks of earlier versions. */
export const stashIn = ({ deployment: { resources = [] } }: Deployment) =>
  resources.find(({ type, urn }) => type === "pulumi:index:Stash" && urn.endsWith(`::${stashName}`));

/**
 * Rejects another cluster than that of the state: deletions go by name, and another stack has the same names.
 *
 * @param away whether the stack is about to be deleted
 * @throws SettingsError if it is another cluster
 */
export async function requireSameCluster(
  stack: string,
  { settings, config }: Connection,
  state: Deployment,
  away: boolean,
): Promise<void> {
  const stash = stashIn(state);
  const recorded = stash?.outputs?.["output"] as Recorded | undefined;
  if (!recorded) return;
  const { metadata } = await config.makeApiClient(CoreV1Api).readNamespace({ name: "kube-system" });
  const gone = away
    ? `If that cluster no longer exists: pulumi stack rm --force --preserve-config ${stack}`
    : replacedClusterFix(stack, stash?.urn);
  refuseOtherCluster(stack, settings, recorded, metadata?.uid ?? "", gone);
}

/**
 * Rejects a cluster with another stack. It needs no state, which a restore may be without.
 *
 * @throws SettingsError if the namespaces belong to another stack
 */
export async function requireOwnNamespaces(stack: string, { settings, config }: Connection): Promise<void> {
  const name = namespaces(settings).monitoring;
  const { metadata } = await config.makeApiClient(CoreV1Api).readNamespace({ name });
  const owner = metadata?.annotations?.[namespaceOwner.stack];
  if (owner === undefined || owner === ownerName(stack)) return;
  throw new SettingsError(stack, [
    {
      path: "cluster.context",
      was: settings.cluster.context ?? config.getCurrentContext(),
      allowed: `a context of the cluster of stack ${stack}: namespace ${name} belongs to stack ${owner}`,
      change: `Run: pulumi config set --stack ${stack} --path cluster.context <name>, or select it in the kubeconfig`,
    },
  ]);
}
