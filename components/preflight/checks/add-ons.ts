import type { Settings } from "../../../settings";
import { valueAt } from "../../../settings/tree";
import { type AddOn, addOns, apiService, type OwnerFacts, otherOwners, ownRelease } from "../add-ons";
import { type Check, error, type Finding, warning } from "../check";
import { hasRelease } from "../owners";

/** An object that conflicts with an installation by this stack, and the rule. */
interface Conflict extends Omit<AddOn, "needed"> {
  installs(settings: Settings): boolean;
  allowed: string;
}

const wanted = ({ path, needed }: AddOn, settings: Settings): boolean =>
  needed(settings) && valueAt(settings, path.split(".")) === "install";

/** The setting allows the stack to use the cluster's add-on. */
const optional = (addOn: AddOn): Conflict => ({
  ...addOn,
  installs: (settings) => wanted(addOn, settings),
  allowed: "auto or existing",
});

const conflicts: Conflict[] = [
  ...Object.values(addOns).map(optional),
  {
    ...addOns.keda,
    what: "a server of external.metrics.k8s.io",
    installs: (settings) => wanted(addOns.keda, settings),
    objects: apiService("v1beta1.external.metrics.k8s.io"),
    allowed: "existing if that is KEDA; otherwise set alloyMetrics.maxReplicas to alloyMetrics.replicas",
  },
];

function findingOf(settings: Settings, facts: OwnerFacts, conflict: Conflict): Finding[] {
  const { what, installs, path, allowed } = conflict;
  if (!installs(settings)) return [];
  const others = otherOwners(settings, conflict, facts);
  if (others.length === 0) return [];
  const because = `the cluster has ${what} already, from ${others.join(", ")}`;
  return [error({ path, was: "install", allowed: `${allowed}: ${because}` })];
}

/** Add-ons that the stack uses and does not install. */
const used = (settings: Settings): AddOn[] =>
  Object.values(addOns).filter(
    ({ needed, path }) => needed(settings) && valueAt(settings, path.split(".")) === "existing",
  );

/** An add-on that the settings declare as existing, but that does not exist. */
const missing = (settings: Settings, facts: OwnerFacts): Finding[] =>
  used(settings)
    .filter(({ objects }) => objects(facts).length === 0)
    .map(({ path, what }) =>
      warning({ path, was: "existing", allowed: `auto or install: the cluster does not have ${what}` }),
    );

/** An add-on of this stack that the settings declare as existing: `up` would uninstall it, with its CRDs. */
const removed = (settings: Settings, { releases }: OwnerFacts): Finding[] =>
  used(settings).flatMap((addOn) => {
    const own = ownRelease(settings, addOn);
    if (!hasRelease(own, releases)) return [];
    const because = `this stack installed ${addOn.what} with Helm release ${own.namespace}/${own.release}, and up would delete it, with the objects of its kinds in the whole cluster`;
    return [
      error({
        path: addOn.path,
        was: "existing",
        allowed: `auto or install: ${because} (docs/guides/customizing.md#add-ons)`,
      }),
    ];
  });

/** Cluster-wide add-ons are not installed twice, and not removed while they are in use. */
export const check: Check<"definitions" | "apiServices" | "releases"> = {
  name: "add-ons",
  needs: ["definitions", "apiServices", "releases"],
  find({ settings, facts }) {
    const findings = conflicts.flatMap((conflict) => findingOf(settings, facts, conflict));
    // KEDA's CRDs and its API are one conflict.
    const first = findings.filter(
      ({ path }, index) => findings.findIndex((one) => one.path === path) === index,
    );
    return [...first, ...missing(settings, facts), ...removed(settings, facts)];
  },
  notes: ({ settings, facts }) =>
    used(settings).flatMap((addOn) => {
      const owners = otherOwners(settings, addOn, facts);
      return owners.length ? [`${addOn.path}: the stack uses ${addOn.what} from ${owners.join(", ")}.`] : [];
    }),
};
