/**
 * Cluster-wide add-ons, and whether this stack installs them. `auto` uses the cluster's add-on, and installs a missing
 * one. An installation of this stack stays: Helm's release records identify its owner.
 */
import type { V1ObjectMeta } from "@kubernetes/client-node";
import { type NamespaceKey, namespaces, releases } from "../../names";
import { type Settings, SettingsError } from "../../settings";
import { merge, valueAt } from "../../settings/tree";
import { needsKeda, needsMetricsServer, needsVerticalPodAutoscaler } from "../../values/scaling";
import { type Facts, type Snapshot, unreadText } from "./facts";
import { hasRelease, otherOwner } from "./owners";

const ownerFacts = ["definitions", "apiServices", "releases"] as const;
export type OwnerFacts = Pick<Facts, (typeof ownerFacts)[number]>;

/** An add-on that a cluster has only once. */
export interface AddOn {
  what: string;
  /** The setting: `auto`, `install` or `existing`. */
  path: string;
  /** Whether the stack uses it. */
  needed(settings: Settings): boolean;
  /** The release and namespace in which this stack installs it. */
  release: string;
  namespace: NamespaceKey;
  /** The objects that identify it. */
  objects(facts: OwnerFacts): V1ObjectMeta[];
}

const definitions =
  (matches: (name: string) => boolean) =>
  (facts: OwnerFacts): V1ObjectMeta[] =>
    facts.definitions.filter(({ name }) => matches(name ?? ""));

export const apiService =
  (wanted: string) =>
  ({ apiServices }: OwnerFacts): V1ObjectMeta[] =>
    apiServices.flatMap(({ metadata }) => (metadata?.name === wanted ? [metadata] : []));

const namespace = "autoscaling";

/** The add-ons that a stack installs or uses. */
export const addOns = {
  prometheusCrds: {
    what: "the CRDs of Prometheus Operator",
    path: "kubePrometheusStack.crds",
    needed: () => true,
    release: `${releases.kubePrometheusStack}-crds`,
    namespace: "monitoring",
    objects: definitions((name) => name.endsWith(".monitoring.coreos.com")),
  },
  openTelemetryOperator: {
    what: "the OpenTelemetry operator",
    path: "openTelemetryOperator.install",
    needed: () => true,
    release: releases.openTelemetryOperator,
    namespace: "opentelemetry",
    objects: definitions((name) => name.endsWith(".opentelemetry.io")),
  },
  metricsServer: {
    what: "a server of metrics.k8s.io",
    path: "scaling.metricsServer",
    needed: needsMetricsServer,
    release: releases.metricsServer,
    namespace,
    objects: apiService("v1beta1.metrics.k8s.io"),
  },
  keda: {
    what: "KEDA",
    path: "scaling.keda",
    needed: needsKeda,
    release: releases.keda,
    namespace,
    objects: definitions((name) => name.endsWith(".keda.sh")),
  },
  verticalPodAutoscaler: {
    what: "the Vertical Pod Autoscaler",
    path: "scaling.verticalPodAutoscaler",
    needed: needsVerticalPodAutoscaler,
    release: releases.verticalPodAutoscaler,
    namespace,
    objects: definitions((name) => name === "verticalpodautoscalers.autoscaling.k8s.io"),
  },
} satisfies Record<string, AddOn>;

/** The fix for an add-on that does not run although its CRDs exist. */
export const leftovers = (path: string, group: string): string =>
  `Start it. If nothing uses it, set ${path} to auto and delete the CRDs with their objects: kubectl get crd -o name | grep '\\b${group}$' | xargs kubectl delete`;

/** The release of an add-on, in this stack's namespace. */
export const ownRelease = (
  settings: Settings,
  { release, namespace }: Pick<AddOn, "release" | "namespace">,
) => ({
  release,
  namespace: namespaces(settings)[namespace],
});

/** Other owners of an add-on; empty if there are none. */
export const otherOwners = (
  settings: Settings,
  addOn: Omit<AddOn, "what" | "path" | "needed">,
  facts: OwnerFacts,
): string[] => [
  ...new Set(
    addOn
      .objects(facts)
      .flatMap((object) => otherOwner(object, ownRelease(settings, addOn), facts.releases) ?? []),
  ),
];

/** Resolves `auto`. */
function decide(stack: string, settings: Settings, addOn: AddOn, cluster: Snapshot | undefined) {
  if (!cluster || !addOn.needed(settings)) return "install";
  const unread = unreadText(cluster, ownerFacts);
  if (unread)
    throw new SettingsError(stack, [
      {
        path: addOn.path,
        was: "auto",
        allowed: `install or existing, because these resources cannot be read: ${unread}`,
      },
    ]);
  const facts = cluster.facts as OwnerFacts;
  // An add-on that this stack installed stays its own, even if another installation was added later.
  if (hasRelease(ownRelease(settings, addOn), facts.releases)) return "install";
  return otherOwners(settings, addOn, facts).length > 0 ? "existing" : "install";
}

/** Whether the cluster has Cilium's policies; false without facts about the cluster, as in `obs render`. */
const hasCilium = (cluster: Snapshot | undefined): boolean =>
  cluster?.facts.definitions?.some(({ name }) => name === "ciliumnetworkpolicies.cilium.io") ?? false;

/** Settings with `on` or `off` instead of `auto` for Cilium's policies. */
export const withCilium = (settings: Settings, cluster: Snapshot | undefined): Settings =>
  settings.network.cilium === "auto"
    ? { ...settings, network: { ...settings.network, cilium: hasCilium(cluster) ? "on" : "off" } }
    : settings;

/**
 * Settings with `install` or `existing` instead of `auto`, and `on` or `off` for Cilium's policies.
 *
 * @param cluster facts about the cluster; without them, as in `obs render`, the stack installs everything
 * @throws SettingsError if the required facts could not be read
 */
export const withAddOns = (stack: string, settings: Settings, cluster: Snapshot | undefined): Settings =>
  withCilium(
    Object.values(addOns)
      .map((addOn) => ({ addOn, keys: addOn.path.split(".") }))
      .filter(({ keys }) => valueAt(settings, keys) === "auto")
      .reduce(
        (resolved, { addOn, keys }) =>
          merge(
            resolved,
            keys.reduceRight<unknown>(
              (value, key) => ({ [key]: value }),
              decide(stack, settings, addOn, cluster),
            ),
          ) as Settings,
        settings,
      ),
    cluster,
  );
