import * as pulumi from "@pulumi/pulumi";
import { type Settings, SettingsError } from "../settings";
import { requireFacts, type Snapshot } from "./preflight/facts";
import { type Recorded, refuseOtherCluster, replacedClusterFix, stashName } from "./recorded-cluster";

/** The value of an output; undefined if it is unknown, as for a resource that `--target` excludes. */
async function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { value } = await pulumi.runtime.serializeProperties("value", { value: output });
  return value === pulumi.runtime.unknownValue ? undefined : value;
}

/** @throws SettingsError if the prefix of the namespaces changed: Pulumi would delete them, and with them all volumes */
function refuseOtherPrefix(stack: string, was: string, prefix: string): void {
  if (prefix === was) return;
  const keep = was
    ? `pulumi config set --stack ${stack} --path namespaces.prefix ${was}`
    : `pulumi config rm --stack ${stack} --path namespaces.prefix`;
  throw new SettingsError(stack, [
    {
      path: "namespaces.prefix",
      was: prefix,
      allowed: `"${was}", with which stack ${stack} was created: a namespace cannot be renamed, and its volumes would be deleted with it`,
      change:
        `Run: ${keep}. To move to other names, create a second stack with the prefix, send data to it, and delete this ` +
        "one when its retention has passed: docs/guides/customizing.md#two-stacks-in-one-cluster",
    },
  ]);
}

/** @throws SettingsError if the stack became an agent, in which case Pulumi would delete its stores, or stopped being one */
function refuseOtherRole(stack: string, wasAgent: boolean, { hub }: Settings): void {
  if (wasAgent === (hub !== undefined)) return;
  throw new SettingsError(stack, [
    wasAgent
      ? {
          path: "hub",
          was: undefined,
          allowed: `the hub of this cluster, because stack ${stack} was created as an agent`,
          change: `Set hub.stack again. To install stores in this cluster, run ./obs down ${stack} first: the hub has its data`,
        }
      : {
          path: "hub",
          was: hub?.stack,
          allowed: `unset, because stack ${stack} was created with stores: Pulumi would delete them and all their volumes`,
          change:
            `Run: pulumi config rm --stack ${stack} hub. To keep the data until its retention ends, create a second stack as the agent, ` +
            "with a prefix: docs/guides/many-clusters.md#convert-a-stack-with-stores-to-an-agent",
        },
  ]);
}

/**
 * Ties the stack to its cluster, to the prefix of its namespaces, and to its role. The first `up` writes the cluster's
 * UID and name to the stack's state. Later runs reject every other cluster, regardless of the kubeconfig, and
 * `cluster.name` becomes a label that can change.
 *
 * @param cluster facts about the cluster; without them, as in `obs render`, nothing is compared
 * @returns the provider's `clusterIdentifier`
 * @throws SettingsError if the stack was created on another cluster, with another prefix or in another role
 */
export async function clusterIdentity(
  stack: string,
  settings: Settings,
  cluster: Snapshot | undefined,
): Promise<string> {
  const identifier = settings.cluster.name;
  const { prefix } = settings.namespaces;
  const agent = settings.hub !== undefined;
  if (!cluster) return identifier;
  const { clusterUid: uid } = requireFacts(cluster, ["clusterUid"]);
  // A Stash keeps the first value. Without ignoreChanges, a rejected run could still write its own input.
  const stash = new pulumi.Stash(
    stashName,
    { input: { uid, identifier, prefix, agent } },
    { ignoreChanges: ["input"] },
  );
  const recorded: Recorded = (await known(stash.output)) ?? { uid, identifier, prefix, agent };
  const urn = await known(stash.urn);
  refuseOtherCluster(stack, settings, recorded, uid, replacedClusterFix(stack, urn));
  refuseOtherPrefix(stack, recorded.prefix ?? "", prefix);
  refuseOtherRole(stack, recorded.agent ?? false, settings);
  return recorded.identifier;
}
