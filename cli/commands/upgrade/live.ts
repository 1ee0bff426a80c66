/** What a cluster has of a stack's releases, beside what their charts render: fields that `up` could not change. */
import { type KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import { ifThere } from "../../lib/objects";
import { type KubernetesObject, type ReleaseInputs, releaseObjects, whyNot } from "../../lib/render";
import { type Difference, differences, isWatched, namespaceOf } from "./immutable";

/** What came of a comparison. */
export interface Compared {
  /** Objects that were found in the cluster and looked at. */
  objects: number;
  differences: Difference[];
  /** A line for each release that could not be rendered, and why. */
  skipped: string[];
}

/** The live object of each rendered one; those that are not there are left out. @throws where one cannot be read */
async function liveOf(
  api: KubernetesObjectApi,
  rendered: KubernetesObject[],
  release: string,
): Promise<KubernetesObject[]> {
  const found = rendered.map(async ({ apiVersion, kind, metadata, ...rest }) => {
    const namespace = namespaceOf({ apiVersion, kind, metadata, ...rest }, release);
    const header = { apiVersion, kind, metadata: { name: metadata.name, ...(namespace && { namespace }) } };
    return ifThere(api.read(header));
  });
  return (await Promise.all(found)).filter((object) => object !== undefined) as KubernetesObject[];
}

/**
 * Compares releases, as their pinned charts render them, with the cluster; nothing is written.
 *
 * @param tell called with the name of each release before it is rendered
 * @throws where the cluster cannot be read
 */
export async function compareLive(
  config: KubeConfig,
  releases: ReleaseInputs[],
  tell: (release: string) => void,
): Promise<Compared> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const result: Compared = { objects: 0, differences: [], skipped: [] };
  // One after the other: each is a process of Helm that takes a whole core.
  for (const release of releases) {
    const { name, namespace } = release;
    tell(name);
    const rendered = await releaseObjects(release).catch((error: unknown) => {
      result.skipped.push(`${name}: ${whyNot(error)}`);
      return undefined;
    });
    if (!rendered) continue;
    // Hooks are Helm's own: it deletes them before it makes them anew.
    const watched = rendered.filter(
      (object) =>
        isWatched(object) &&
        !(object.metadata["annotations"] as Record<string, string> | undefined)?.["helm.sh/hook"],
    );
    const live = await liveOf(api, watched, namespace);
    result.objects += live.length;
    result.differences.push(...differences(live, watched, namespace));
  }
  return result;
}
