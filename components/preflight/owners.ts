/** Who made what a cluster has once: this stack, or somebody else. */
import type { V1ObjectMeta } from "@kubernetes/client-node";

/** A release of this stack. */
interface OwnRelease {
  release: string;
  namespace: string;
}

/**
 * The owner of an object that a release of this stack makes.
 *
 * @returns nothing if it is this stack, else the owner for a message
 */
export function otherOwner(
  { annotations }: V1ObjectMeta,
  own: OwnRelease,
  releases: V1ObjectMeta[],
): string | undefined {
  const release = annotations?.["meta.helm.sh/release-name"];
  const namespace = annotations?.["meta.helm.sh/release-namespace"];
  if (release === own.release && namespace === own.namespace) return undefined;
  if (release) return `Helm release ${namespace}/${release}`;
  // Helm does not annotate what a chart keeps in crds/.
  const installed = releases.some(
    ({ labels, namespace }) => labels?.["name"] === own.release && namespace === own.namespace,
  );
  return installed ? undefined : "somebody else";
}
