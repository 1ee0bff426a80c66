/** The cluster of a stack's state, in which alone objects are deleted. */
import { CoreV1Api } from "@kubernetes/client-node";
import { type Recorded, refuseOtherCluster, stashName } from "../../components/recorded-cluster";
import type { Connection } from "./cluster";
import type { Deployment } from "./pulumi";

/** The identity of the stack's cluster in its state; undefined in stacks of earlier versions. */
export const recordedIn = ({ deployment: { resources = [] } }: Deployment): Recorded | undefined =>
  resources.find(({ type, urn }) => type === "pulumi:index:Stash" && urn.endsWith(`::${stashName}`))
    ?.outputs?.["output"] as Recorded | undefined;

/**
 * Rejects another cluster than that of the state: deletions go by name, and another stack has the same names.
 *
 * @throws SettingsError if it is another cluster
 */
export async function requireSameCluster(
  stack: string,
  { settings, config }: Connection,
  state: Deployment,
): Promise<void> {
  const recorded = recordedIn(state);
  if (!recorded) return;
  const { metadata } = await config.makeApiClient(CoreV1Api).readNamespace({ name: "kube-system" });
  const gone = `If that cluster no longer exists: pulumi stack rm --force ${stack}`;
  refuseOtherCluster(stack, settings, recorded, metadata?.uid ?? "", gone);
}
