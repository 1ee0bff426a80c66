import {
  ApiException,
  AutoscalingV2Api,
  type KubeConfig,
  KubernetesObjectApi,
} from "@kubernetes/client-node";
import { reasonOf } from "../../../../components/preflight/facts";
import type { HelmRelease } from "../../../lib/helm-history";
import type { KubernetesObject } from "../../../lib/render";
import { isNew } from "../../upgrade/dry-run";
import { type Check, type Finding, findingIn } from "../check";
import { differencesOf, type FieldDifference } from "../difference";
import { settingPath } from "../setting-path";

/** Fields that are compared. Labels and annotations are not: others add their own. */
const compared = ["spec", "data", "rules", "roleRef", "subjects"];
/** Kinds whose fields others set, or that are compared elsewhere. */
const passed =
  /^(Secret|CustomResourceDefinition|PersistentVolumeClaim|Job|(Mutating|Validating)WebhookConfiguration)$/;
/** Kinds without which a component does not work. */
const vital = /^(Deployment|StatefulSet|DaemonSet|Service|ConfigMap)$/;

const finding = findingIn("drift", "docs/operations/runbook.md#components");

/** Differences of a live object from its manifest. @param counted whether an autoscaler sets its replicas */
export function driftOf(
  wanted: KubernetesObject,
  live: KubernetesObject,
  counted: boolean,
): FieldDifference[] {
  const all = compared.flatMap((field) => differencesOf(wanted[field], live[field], field));
  return all.filter(({ path }) => !(counted && path === "spec.replicas"));
}

/** The part of a release that findings name. */
type Installed = Pick<HelmRelease, "name" | "namespace" | "revision">;

/** Applies the current revision of a release again. Without its number, Helm goes back to the revision before. */
const reapplied = ({ name, namespace, revision }: Installed) =>
  `helm -n ${namespace} rollback ${name} ${revision}`;

/** The finding of an object that differs; replicas first. @param setting that holds its replicas */
export function driftFinding(
  { kind, metadata: { namespace, name } }: KubernetesObject,
  release: Installed,
  differences: FieldDifference[],
  setting?: string,
): Finding | undefined {
  const [first] = differences;
  if (!first) return undefined;
  const replicas = differences.find(({ path }) => path === "spec.replicas");
  if (replicas?.live === "0")
    return finding.critical(
      `${kind} ${namespace}/${name} is scaled to 0: no ${name} runs`,
      `spec.replicas is 0, Helm installed ${replicas.wanted}`,
      `kubectl -n ${namespace} scale ${kind.toLowerCase()}/${name} --replicas=${replicas.wanted}${setting ? `; its setting is ${setting}` : ""}`,
    );
  const { path, live = "nothing", wanted } = replicas ?? first;
  const change = replicas ? `${live} replicas where ${wanted} were installed` : path;
  const more = differences.length > 1 ? `, and ${differences.length - 1} more fields` : "";
  const keep = replicas && setting ? `; to keep it: pulumi config set --path ${setting} ${live}` : "";
  return finding.warning(
    `${kind} ${namespace}/${name} was changed by hand: ${change}${more}`,
    `live ${live}, release ${release.name} has ${wanted}`,
    `./obs up does not see it: ${reapplied(release)} restores the release's own${keep}`,
  );
}

const keyOf = ({ kind, metadata }: KubernetesObject, namespace = "") =>
  `${kind}/${metadata.namespace ?? namespace}/${metadata.name}`;

/** Workloads with an autoscaler: `kind/namespace/name`. */
async function autoscaled(config: KubeConfig): Promise<Set<string>> {
  const api = config.makeApiClient(AutoscalingV2Api);
  const { items } = await api.listHorizontalPodAutoscalerForAllNamespaces();
  return new Set(
    items.map(({ metadata, spec }) => {
      const { kind, name } = spec?.scaleTargetRef ?? {};
      return `${kind}/${metadata?.namespace}/${name}`;
    }),
  );
}

/** Lists all objects of a kind. */
type List = (apiVersion: string, kind: string) => Promise<{ items: object[] }>;

/**
 * Live objects of each kind that releases have. Kinds that the cluster does not know have none.
 *
 * @returns the objects by `kind/namespace/name`, and for each kind that the user may not list the response
 */
export async function liveObjects(
  list: List,
  wanted: KubernetesObject[],
): Promise<{ live: Map<string, KubernetesObject>; forbidden: Map<string, string> }> {
  const kinds = new Map(wanted.map((one) => [`${one.apiVersion} ${one.kind}`, one]));
  const forbidden = new Map<string, string>();
  const lists = [...kinds.values()].map(async ({ apiVersion, kind }) => {
    const { items } = await list(apiVersion, kind).catch((error: unknown) => {
      if (error instanceof ApiException && error.code === 403) forbidden.set(kind, reasonOf(error));
      else if (!isNew(error)) throw error;
      return { items: [] };
    });
    return items.map((item) => ({ ...item, kind }) as unknown as KubernetesObject);
  });
  return {
    live: new Map((await Promise.all(lists)).flat().map((object) => [keyOf(object), object])),
    forbidden,
  };
}

/** The finding for kinds that the user may not list. */
export const unread = (forbidden: Map<string, string>): Finding[] =>
  forbidden.size
    ? [
        finding.warning(
          `objects of ${forbidden.size === 1 ? "a kind" : `${forbidden.size} kinds`} were not compared: ${[...forbidden.keys()].sort().join(", ")}`,
          [...forbidden.values()][0] ?? "",
          "run the doctor as a user that may list them in all namespaces",
        ),
      ]
    : [];

/** Live objects that differ from Helm's manifests, by the fields that the manifests name. */
export const check: Check = {
  name: "drift",
  async look({ config, cluster, settings }) {
    const all = (await cluster.releases()).flatMap((release) =>
      release
        .objects()
        .filter(({ kind }) => !passed.test(kind))
        .map((object) => ({ object, release })),
    );
    const api = KubernetesObjectApi.makeApiClient(config);
    const wanted = all.map(({ object }) => object);
    const [{ live, forbidden }, counted] = await Promise.all([
      liveObjects((apiVersion, kind) => api.list(apiVersion, kind), wanted),
      autoscaled(config),
    ]);
    const readable = all.filter(({ object }) => !forbidden.has(object.kind));
    const drifted = readable.flatMap(({ object, release }) => {
      const { namespace } = release;
      // An object that belongs to no namespace is found without one.
      const key = live.has(keyOf(object, namespace)) ? keyOf(object, namespace) : keyOf(object);
      const found = live.get(key);
      const { kind, metadata } = object;
      if (!found)
        return finding[vital.test(kind) ? "critical" : "warning"](
          `${kind} ${metadata.namespace ?? namespace}/${metadata.name} is gone`,
          `release ${release.name} installed it; the cluster has none`,
          `${reapplied(release)} creates it again`,
        );
      const differences = driftOf(object, found, counted.has(key));
      const setting = settingPath(settings, namespace, metadata.name, "replicas");
      return driftFinding(found, release, differences, setting) ?? [];
    });
    return [...unread(forbidden), ...drifted];
  },
};
