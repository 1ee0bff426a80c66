/** Whether the cluster accepts the objects of releases: a server-side dry run, which changes nothing. */
import { isDeepStrictEqual } from "node:util";
import { ApiException, type KubeConfig, KubernetesObjectApi, PatchStrategy } from "@kubernetes/client-node";
import pLimit from "p-limit";
import { type ChartName, pins, versionOf } from "../../../charts";
import { reasonOf } from "../../../components/preflight/facts";
import { namespaces } from "../../../names";
import { type Settings, UserError } from "../../../settings";
import type { Connection } from "../../lib/cluster";
import { type HelmRelease, readReleases } from "../../lib/helm-history";
import { recordQuietly } from "../../lib/record";
import {
  failureOf,
  type KubernetesObject,
  type ReleaseInputs,
  releaseObjects,
  releasesOf,
} from "../../lib/render";
import { fileConfig } from "../../lib/stack-config";

/** An object that the API server does not accept: most often, an immutable field differs. */
type Refused = NonNullable<Awaited<ReturnType<typeof refusalOf>>>;
export type DryRun = Awaited<ReturnType<typeof dryRun>>;

/** Requests at a time. */
const atOnce = pLimit(8);

/** Objects that Helm never updates: it deletes hooks before it creates them again, and leaves CRDs alone. */
const isUpdated = ({ kind, metadata }: KubernetesObject): boolean =>
  kind !== "CustomResourceDefinition" &&
  !(metadata["annotations"] as Record<string, string> | undefined)?.["helm.sh/hook"];

/** What to do with an object that cannot be updated. */
function fixOf({ kind, metadata: { name, namespace } }: KubernetesObject): string {
  if (kind === "PersistentVolumeClaim") return "keep its size, StorageClass and access modes";
  const remove = `kubectl delete ${kind.toLowerCase()} ${namespace ? `-n ${namespace} ` : ""}${name}`;
  return kind === "StatefulSet"
    ? `just before ./obs up: ${remove} --cascade=orphan (its pods keep running), or ./obs upgrade --volumes for larger volumes`
    : `just before ./obs up: ${remove}`;
}

/** The client, with the namespace of objects that name none; it knows from discovery which kinds have namespaces. */
class ReleaseObjects extends KubernetesObjectApi {
  in(namespace: string): this {
    this.defaultNamespace = namespace;
    return this;
  }
}

/** Whether a request failed because a kind or a namespace does not exist. */
export const isNew = (error: unknown): boolean =>
  error instanceof ApiException
    ? error.code === 404
    : (error as Error).message.startsWith("Unrecognized API version and kind");

/** An invalid object; a field of the wrong type is an internal error for the API server. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ApiException &&
  (error.code === 422 || reasonOf(error).startsWith("failed to create typed patch object"));

/** Helm does not send the fields that a chart renders without a value, and the API server rejects them in a server-side apply. */
const withoutNulls = <T>(value: T): T =>
  JSON.parse(JSON.stringify(value, (_, field) => (field === null ? undefined : field)));

/** Applies an object in a dry run. @returns why it is refused, if it is @throws if the server does not check it */
async function refusalOf(api: KubernetesObjectApi, rendered: KubernetesObject) {
  // A copy, because the client sets the namespace.
  const object = withoutNulls(rendered);
  try {
    await atOnce(() => api.patch(object, undefined, "All", "obs", true, PatchStrategy.ServerSideApply));
    return undefined;
  } catch (error) {
    if (isNew(error)) return undefined;
    if (!isRefusal(error)) throw error;
    const { kind, metadata } = object;
    const name = [metadata.namespace, metadata.name].filter(Boolean).join("/");
    return { object: `${kind} ${name}`, message: reasonOf(error), fix: fixOf(object) };
  }
}

/** Checks objects. @param namespace namespace of the objects that name none @throws if the server does not check them */
export async function dryRunObjects(config: KubeConfig, objects: KubernetesObject[], namespace: string) {
  const api = config.makeApiClient(ReleaseObjects).in(namespace);
  const answers = await Promise.all(objects.filter(isUpdated).map((object) => refusalOf(api, object)));
  const refused = answers.filter((one) => one !== undefined);
  return { accepted: answers.length - refused.length, refused };
}

/**
 * Checks releases as their pinned charts render them.
 *
 * @param report called with the name of each release before it is rendered
 */
export async function dryRun(
  config: KubeConfig,
  releases: ReleaseInputs[],
  report: (release: string) => void,
) {
  let accepted = 0;
  const refused: Refused[] = [];
  /** A line for each release that could not be checked, with the reason. */
  const skipped: string[] = [];
  // One after the other: each is a process of Helm that uses a whole core.
  for (const release of releases) {
    report(release.name);
    try {
      const checked = await dryRunObjects(config, await releaseObjects(release), release.namespace);
      refused.push(...checked.refused);
      accepted += checked.accepted;
    } catch (error) {
      const reason = error instanceof ApiException ? reasonOf(error) : failureOf(error);
      skipped.push(`${release.name}: ${reason}`);
    }
  }
  return { accepted, refused, skipped };
}

/** Values without checksums of generated Secrets, which a recording does not know; they change annotations of pods only. */
const comparable = (values: object): unknown =>
  JSON.parse(JSON.stringify(values, (key, value) => (key.startsWith("checksum/") ? undefined : value)));

/** Whether an installed release has another chart version or other values than a wanted one, or its last change failed. */
const differs = (
  { status, chart, values }: Pick<HelmRelease, "status" | "chart" | "values">,
  wanted: ReleaseInputs,
  settings: Settings,
): boolean =>
  status !== "deployed" ||
  (chart.name in pins && chart.version !== versionOf(chart.name as ChartName, settings)) ||
  !isDeepStrictEqual(comparable(values), comparable(wanted.values));

/** The installed releases that `up` changes. */
export const changedReleases = (
  installed: Pick<HelmRelease, "name" | "status" | "chart" | "values">[],
  wanted: ReleaseInputs[],
  settings: Settings,
): ReleaseInputs[] =>
  wanted.filter((release) =>
    installed.some((one) => one.name === release.name && differs(one, release, settings)),
  );

/** The error for objects that cannot be updated. */
export const refusedText = ({ refused }: DryRun): string =>
  "the cluster rejects objects of changed releases; no changes were made:\n" +
  refused.map(({ object, message, fix }) => `  ${object}: ${message}\n    ${fix}\n`).join("") +
  "    or restore the old chart version or values; docs/guides/upgrades.md#immutable-fields";

/** Before `up` and `preview`: checks the releases that `up` changes. @throws UserError with each refused object and its fix */
export async function assertUpgradable(stack: string, { settings, config }: Connection): Promise<void> {
  try {
    const installed = await readReleases(config, new Set(Object.values(namespaces(settings))));
    if (installed.length === 0) return;
    const wanted = releasesOf(await recordQuietly(stack, fileConfig(stack)));
    const result = await dryRun(config, changedReleases(installed, wanted, settings), (name) =>
      console.error(`obs: dry run of ${name}`),
    );
    for (const line of result.skipped) console.error(`obs: not checked: ${line}`);
    if (result.refused.length) throw new UserError(refusedText(result));
  } catch (error) {
    if (error instanceof UserError) throw error;
    console.error(`obs: changed releases were not checked: ${reasonOf(error)}`);
  }
}
