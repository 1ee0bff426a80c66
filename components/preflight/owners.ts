/** Who made what a cluster has once: this stack, or somebody else. */
import type { V1ObjectMeta } from "@kubernetes/client-node";

/** A release of this stack. */
interface OwnRelease {
  release: string;
  namespace: string;
}

/** Whether this stack has installed a release: Helm's record of it is there. */
export const hasRelease = ({ release, namespace }: OwnRelease, releases: V1ObjectMeta[]): boolean =>
  releases.some(
    (secret) =>
      secret.labels?.["name"] === release &&
      secret.namespace === namespace &&
      secret.labels["status"] !== "uninstalled",
  );

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
  return hasRelease(own, releases) ? undefined : "somebody else";
}
