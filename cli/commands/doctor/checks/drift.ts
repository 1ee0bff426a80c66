import { AutoscalingV2Api, type KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import type { KubernetesObject } from "../../../lib/render";
import type { Check, Finding } from "../check";
import type { ClusterState } from "../cluster-state";
import { differencesOf, type FieldDifference } from "../difference";
import { settingPath } from "../setting-path";

const base = { layer: "drift", page: "docs/operations/runbook.md#components" } as const;

/** Fields that are compared. Labels and annotations are not: many add their own. */
const compared = ["spec", "data", "rules", "roleRef", "subjects"];
/** Kinds whose fields others fill in, or that are compared elsewhere. */
const passed =
  /^(Secret|CustomResourceDefinition|PersistentVolumeClaim|Job|(Mutating|Validating)WebhookConfiguration)$/;

/** Differences of a live object from its manifest. @param counted whether an autoscaler counts its pods */
export function driftOf(
  wanted: KubernetesObject,
  live: KubernetesObject,
  counted: boolean,
): FieldDifference[] {
  const all = compared.flatMap((field) =>
    wanted[field] === undefined ? [] : differencesOf(wanted[field], live[field], field),
  );
  return all.filter(({ path }) => !(counted && path === "spec.replicas"));
}

/** What a drifted object is told as. */
export function driftFinding(
  object: KubernetesObject,
  release: string,
  differences: FieldDifference[],
  setting?: string,
): Finding | undefined {
  const [first] = differences;
  const { kind, metadata } = object;
  // No pods at all is told with the pods.
  if (!first || (first.path === "spec.replicas" && first.live === "0" && differences.length === 1))
    return undefined;
  const replicas = differences.find(({ path }) => path === "spec.replicas");
  const told = replicas ?? first;
  const more = differences.length > 1 ? `, and ${differences.length - 1} more fields` : "";
  const who = `${kind} ${metadata.namespace}/${metadata.name}`;
  return {
    ...base,
    severity: "warning",
    what: replicas
      ? `${who} was changed by hand: ${replicas.live} replicas where ${replicas.wanted} were installed${more}`
      : `${who} was changed by hand: ${told.path}${more}`,
    evidence: `live ${told.live ?? "nothing"}, release ${release} has ${told.wanted}`,
    fix: `./obs up does not see it: helm -n ${metadata.namespace} rollback ${release} puts the release's own back${setting ? `; to keep it: pulumi config set --path ${setting} ${told.live}` : ""}`,
  };
}

/** Those whose pods an autoscaler counts: `kind/namespace/name`. */
async function countedBy(config: KubeConfig): Promise<Set<string>> {
  const { items } = await config
    .makeApiClient(AutoscalingV2Api)
    .listHorizontalPodAutoscalerForAllNamespaces();
  return new Set(
    items.map(
      ({ metadata, spec }) =>
        `${spec?.scaleTargetRef.kind}/${metadata?.namespace}/${spec?.scaleTargetRef.name}`,
    ),
  );
}

/** Live objects of each kind that releases have, by `kind/namespace/name`; kinds that the cluster does not know have none. */
async function liveObjects(
  config: KubeConfig,
  wanted: KubernetesObject[],
): Promise<Map<string, KubernetesObject>> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const kinds = new Map(
    wanted.map(({ apiVersion, kind }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]),
  );
  const lists = await Promise.all(
    [...kinds.values()].map(async ({ apiVersion, kind }) => {
      const { items } = await api.list(apiVersion, kind).catch(() => ({ items: [] }));
      return items.map((item) => ({ ...item, kind }) as unknown as KubernetesObject);
    }),
  );
  return new Map(lists.flat().map((object) => [keyOf(object), object]));
}

const keyOf = ({ kind, metadata }: KubernetesObject, namespace?: string) =>
  `${kind}/${metadata.namespace ?? namespace ?? ""}/${metadata.name}`;

/** The objects of all releases with the release's name and namespace. */
const objectsOf = async (cluster: ClusterState) =>
  (await cluster.releases()).flatMap(({ name, namespace, objects }) =>
    objects()
      .filter(({ kind }) => !passed.test(kind))
      .map((object) => ({ object, release: name, namespace })),
  );

/** Helm's manifests beside the live objects, by the fields that the manifests name. */
export const check: Check = {
  name: "drift",
  async look({ config, cluster, settings }) {
    const all = await objectsOf(cluster);
    const [live, counted] = await Promise.all([
      liveObjects(
        config,
        all.map(({ object }) => object),
      ),
      countedBy(config),
    ]);
    const findings = all.map(({ object, release, namespace }): Finding | undefined => {
      // What belongs to no namespace is found without one.
      const key = live.has(keyOf(object, namespace)) ? keyOf(object, namespace) : keyOf(object);
      const found = live.get(key);
      if (!found)
        return {
          ...base,
          severity: /^(Deployment|StatefulSet|DaemonSet|Service|ConfigMap)$/.test(object.kind)
            ? "critical"
            : "warning",
          what: `${object.kind} ${object.metadata.namespace ?? namespace}/${object.metadata.name} is gone`,
          evidence: `release ${release} installed it; the cluster has none`,
          fix: `helm -n ${namespace} rollback ${release} makes it again`,
        };
      const field = settingPath(settings, namespace, object.metadata.name, "replicas");
      const drifted = driftOf(object, found, counted.has(key));
      return driftFinding(found, release, drifted, drifted[0]?.path === "spec.replicas" ? field : undefined);
    });
    return findings.filter((finding) => finding !== undefined);
  },
};
