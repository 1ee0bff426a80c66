/** Owners of cluster-wide objects: this stack or another installation. */
import type { V1ObjectMeta } from "@kubernetes/client-node";

/** A release of this stack. */
interface OwnRelease {
  release: string;
  namespace: string;
}

/** Whether this stack has installed a release: Helm's record of it exists. */
export const hasRelease = ({ release, namespace }: OwnRelease, releases: V1ObjectMeta[]): boolean =>
  releases.some(
    (secret) =>
      secret.labels?.["name"] === release &&
      secret.namespace === namespace &&
      secret.labels["status"] !== "uninstalled",
  );

/**
 * The owner of an object that a release of this stack creates.
 *
 * @returns undefined if this stack owns it, otherwise the owner for a message
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
  // Helm does not annotate objects in a chart's crds/.
  return hasRelease(own, releases) ? undefined : "another installation";
}
