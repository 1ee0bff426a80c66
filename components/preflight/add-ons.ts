/**
 * What a cluster has once, and who installs it. `auto` uses what the cluster has and installs what it lacks. An installation
 * of this stack's own stays: Helm's records say whose it is.
 */
import type { V1ObjectMeta } from "@kubernetes/client-node";
import { type NamespaceKey, namespaces, releases } from "../../names";
import { type Settings, SettingsError } from "../../settings";
import { merge, valueAt } from "../../settings/tree";
import { needsKeda, needsMetricsServer, needsVerticalPodAutoscaler } from "../../values/scaling";
import { type Facts, type Snapshot, unreadText } from "./facts";
import { hasRelease, otherOwner } from "./owners";

export const ownerFacts = ["definitions", "apiServices", "releases"] as const;
export type OwnerFacts = Pick<Facts, (typeof ownerFacts)[number]>;

/** Something that a cluster has once. */
export interface AddOn {
  what: string;
  /** The setting: `auto`, `install` or `existing`. */
  path: string;
  /** Whether the stack uses it. */
  needed(settings: Settings): boolean;
  /** The release and namespace in which this stack installs it. */
  release: string;
  namespace: NamespaceKey;
  /** The objects by which it is recognized. */
  objects(facts: OwnerFacts): V1ObjectMeta[];
}

export const definitions =
  (matches: (name: string) => boolean) =>
  (facts: OwnerFacts): V1ObjectMeta[] =>
    facts.definitions.filter(({ name }) => matches(name ?? ""));

export const apiService =
  (wanted: string) =>
  ({ apiServices }: OwnerFacts): V1ObjectMeta[] =>
    apiServices.flatMap(({ metadata }) => (metadata?.name === wanted ? [metadata] : []));

const namespace = "autoscaling";

/** The add-ons that a stack installs or finds. */
export const addOns = {
  prometheusCrds: {
    what: "the custom resource definitions of Prometheus Operator",
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

/** The release of an add-on, in this stack's namespace. */
const ownRelease = (settings: Settings, { release, namespace }: Pick<AddOn, "release" | "namespace">) => ({
  release,
  namespace: namespaces(settings)[namespace],
});

/** Who else made an add-on; empty if nobody did, or this stack. */
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

/** What `auto` comes to. */
function decide(stack: string, settings: Settings, addOn: AddOn, cluster: Snapshot | undefined) {
  if (!cluster || !addOn.needed(settings)) return "install";
  const unread = unreadText(cluster, ownerFacts);
  if (unread)
    throw new SettingsError(stack, [
      { path: addOn.path, was: "auto", allowed: `install or existing: the cluster does not show ${unread}` },
    ]);
  const facts = cluster.facts as OwnerFacts;
  // What this stack installed stays its own, whatever else has come since.
  if (hasRelease(ownRelease(settings, addOn), facts.releases)) return "install";
  return otherOwners(settings, addOn, facts).length > 0 ? "existing" : "install";
}

/** Whether the cluster has Cilium's policies; a cluster that is not read, as in `obs render`, has none. */
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
 * @param cluster what was read of the cluster; without it, as in `obs render`, the stack installs everything
 * @throws SettingsError if the cluster does not show what it has
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
