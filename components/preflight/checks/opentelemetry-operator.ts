import { installsOpenTelemetryOperator } from "../../../values/opentelemetry-operator";
import { addOns, leftovers } from "../add-ons";
import { type Check, warning } from "../check";

const { objects, path } = addOns.openTelemetryOperator;

/** The operator of another installation runs, and did not only leave its CRDs: Helm and OLM keep them. */
export const check: Check<"definitions" | "apiServices" | "releases" | "webhookGroups"> = {
  name: "OpenTelemetry operator",
  needs: ["definitions", "apiServices", "releases", "webhookGroups"],
  applies: (settings) => !installsOpenTelemetryOperator(settings),
  find({ facts }) {
    // Without CRDs, the check of add-ons reports it.
    if (objects(facts).length === 0 || facts.webhookGroups.includes("opentelemetry.io")) return [];
    return [
      warning({
        path,
        was: "existing",
        allowed:
          "auto or install, unless the operator starts: the cluster has its CRDs, but no webhook for them, so no collector would start",
        change: leftovers(path, "opentelemetry.io"),
      }),
    ];
  },
};
