import { namespaces, openShiftLabel, prefixLabel } from "../../../names";
import { type Check, warning } from "../check";

/** Another Prometheus evaluates rules that this stack evaluates, too. */
export const check: Check<"prometheuses" | "namespaces"> = {
  name: "other Prometheus",
  needs: ["prometheuses", "namespaces"],
  // A stack with a prefix loads only the rules of labeled namespaces.
  applies: (settings) => settings.namespaces.prefix === "",
  find({ settings, facts }) {
    const own = namespaces(settings).monitoring;
    const labeled = facts.namespaces
      .filter(
        ({ metadata }) =>
          metadata?.labels?.[prefixLabel] !== undefined || metadata?.labels?.[openShiftLabel] === "true",
      )
      .map(({ metadata }) => metadata?.name);
    return facts.prometheuses
      .filter(({ namespace }) => namespace !== own && !labeled.includes(namespace))
      .map(({ namespace, name }) =>
        warning({
          path: "cluster",
          was: `Prometheus ${namespace}/${name}`,
          allowed:
            "no other Prometheus that evaluates rules of this stack: each of their alerts is sent twice",
          change: `Exclude the namespaces with its rules from this stack: kubectl label namespace ${namespace} ${prefixLabel}=none; docs/guides/customizing.md#another-prometheus`,
        }),
      );
  },
};
