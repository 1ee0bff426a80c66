import type { V1ObjectMeta } from "@kubernetes/client-node";
import { namespaces, releases } from "../../../names";
import type { Settings } from "../../../settings";
import { installsKeda, installsVerticalPodAutoscaler } from "../../../values/scaling";
import { type Check, error, type Finding } from "../check";
import type { Facts } from "../facts";
import { otherOwner } from "../owners";

type OwnerFacts = Pick<Facts, "definitions" | "apiServices" | "releases">;

/** Something that a cluster has once, and that this stack installs unless a setting says otherwise. */
interface AddOn {
  what: string;
  installs(settings: Settings): boolean;
  /** The release and namespace in which this stack installs it. */
  release: string;
  namespace: string;
  /** The objects by which it is recognized. */
  objects(facts: OwnerFacts): V1ObjectMeta[];
  /** The setting, its value while the stack installs the add-on, and the rule if the cluster has another one. */
  path: string;
  was: unknown;
  allowed: string;
  change?: string;
}

const definitions =
  (matches: (name: string) => boolean) =>
  (facts: OwnerFacts): V1ObjectMeta[] =>
    facts.definitions.filter(({ name }) => matches(name ?? ""));

const apiService =
  (wanted: string) =>
  ({ apiServices }: OwnerFacts): V1ObjectMeta[] =>
    apiServices.flatMap(({ metadata }) => (metadata?.name === wanted ? [metadata] : []));

const addOns: AddOn[] = [
  {
    what: "the custom resource definitions of Prometheus Operator",
    installs: ({ kubePrometheusStack }) => kubePrometheusStack.crds,
    release: `${releases.kubePrometheusStack}-crds`,
    namespace: namespaces.monitoring,
    objects: definitions((name) => name.endsWith(".monitoring.coreos.com")),
    path: "kubePrometheusStack.crds",
    was: true,
    allowed: "false",
  },
  {
    what: "KEDA",
    installs: installsKeda,
    release: releases.keda,
    namespace: namespaces.autoscaling,
    objects: definitions((name) => name.endsWith(".keda.sh")),
    path: "scaling.keda",
    was: "install",
    allowed: "existing",
  },
  {
    what: "a server of external.metrics.k8s.io",
    installs: installsKeda,
    release: releases.keda,
    namespace: namespaces.autoscaling,
    objects: apiService("v1beta1.external.metrics.k8s.io"),
    path: "scaling.keda",
    was: "install",
    allowed: "existing if that is KEDA; else set alloyMetrics.maxReplicas to alloyMetrics.replicas",
  },
  {
    what: "the Vertical Pod Autoscaler",
    installs: installsVerticalPodAutoscaler,
    release: releases.verticalPodAutoscaler,
    namespace: namespaces.autoscaling,
    objects: definitions((name) => name === "verticalpodautoscalers.autoscaling.k8s.io"),
    path: "scaling.verticalPodAutoscaler",
    was: "install",
    allowed: "existing",
  },
  {
    what: "custom resource definitions of OpenTelemetry",
    installs: () => true,
    release: releases.openTelemetryOperator,
    namespace: namespaces.opentelemetry,
    objects: definitions((name) => name.endsWith(".opentelemetry.io")),
    path: "openTelemetryOperator",
    was: "installed",
    allowed: "the only OpenTelemetry operator of the cluster",
    change: "Uninstall the other operator and its custom resource definitions",
  },
];

function findingOf(settings: Settings, facts: OwnerFacts, addOn: AddOn): Finding[] {
  const { what, installs, objects, path, was, allowed, change } = addOn;
  if (!installs(settings)) return [];
  const others = [
    ...new Set(objects(facts).flatMap((object) => otherOwner(object, addOn, facts.releases) ?? [])),
  ];
  if (others.length === 0) return [];
  const because = `the cluster has ${what} already, from ${others.join(", ")}`;
  return [error({ path, was, allowed: `${allowed}: ${because}`, ...(change && { change }) })];
}

/** What a cluster has once is not installed twice. */
export const check: Check<"definitions" | "apiServices" | "releases"> = {
  name: "add-ons",
  needs: ["definitions", "apiServices", "releases"],
  find({ settings, facts }) {
    const findings = addOns.flatMap((addOn) => findingOf(settings, facts, addOn));
    // KEDA's definitions and its API are one conflict.
    return findings.filter(({ path }, index) => findings.findIndex((one) => one.path === path) === index);
  },
};
