/** Releases as Helm stores them: each revision is a Secret with JSON in gzip in base64. */
import { gunzipSync } from "node:zlib";
import { CoreV1Api, type KubeConfig, type V1Secret } from "@kubernetes/client-node";
import { itemsOf, metadataOnly } from "../../components/metadata-lists";
import { secretText } from "./objects";
import { type KubernetesObject, manifestObjects } from "./render";

export interface HelmRelease {
  name: string;
  namespace: string;
  revision: number;
  /** `deployed`, `failed`, `pending-upgrade`… */
  status: string;
  chart: { name: string; version: string };
  /** The values that it was installed with, without the chart's defaults. */
  values: Record<string, unknown>;
  /** The objects of its manifest, without CRDs, which are large. */
  objects(): KubernetesObject[];
}

/** The release in a Secret. @throws if Helm 3 did not write it */
export function releaseFrom(secret: V1Secret): HelmRelease {
  const packed = Buffer.from(secretText(secret, "release"), "base64");
  const { name, namespace, version, info, chart, config, manifest } = JSON.parse(
    gunzipSync(packed).toString(),
  );
  return {
    name,
    namespace,
    revision: version,
    status: info.status,
    chart: chart.metadata,
    values: config ?? {},
    objects: () =>
      manifestObjects(
        name,
        (manifest as string)
          .split(/^---\s*$/m)
          .filter((document) => !/^kind: CustomResourceDefinition$/m.test(document))
          .join("---\n"),
      ),
  };
}

/** The newest revision of each release among Secrets, or their metadata. */
export function newestOf<T extends Pick<V1Secret, "metadata">>(secrets: T[]): T[] {
  const newest = new Map<string, T>();
  const revision = (secret?: T) => Number(secret?.metadata?.labels?.["version"] ?? 0);
  for (const secret of secrets) {
    const key = `${secret.metadata?.namespace}/${secret.metadata?.labels?.["name"]}`;
    if (revision(secret) > revision(newest.get(key))) newest.set(key, secret);
  }
  return [...newest.values()];
}

/** Reads the newest revision of each release in some namespaces. Older ones, of up to a megabyte each, are not read. */
export async function readReleases(
  config: KubeConfig,
  namespaces: ReadonlySet<string>,
): Promise<HelmRelease[]> {
  const core = config.makeApiClient(CoreV1Api);
  const list = await core.listSecretForAllNamespaces({ labelSelector: "owner=helm" }, metadataOnly);
  const newest = newestOf(itemsOf(list).filter(({ metadata }) => namespaces.has(metadata?.namespace ?? "")));
  return Promise.all(
    newest.map(async ({ metadata: { name = "", namespace = "" } = {} }) =>
      releaseFrom(await core.readNamespacedSecret({ name, namespace })),
    ),
  );
}
