import { clientLabel } from "../../../names";
import { needsKeda } from "../../../values/scaling";
import { type Check, error, type Finding, warning } from "../check";

const path = "scaling.keda";
/** The first version with `fallback.behavior`: https://github.com/kedacore/keda/pull/6464 */
const least = 17;

/** KEDA of another installation accepts the ScaledObject, and reaches Mimir. */
export const check: Check<"definitions" | "apiServices" | "namespaces"> = {
  name: "KEDA",
  needs: ["definitions", "apiServices", "namespaces"],
  applies: (settings) => needsKeda(settings) && settings.scaling.keda === "existing",
  find({ settings, facts: { definitions, apiServices, namespaces } }) {
    const crd = definitions.find(({ name }) => name === "scaledobjects.keda.sh");
    const version = crd?.labels?.["app.kubernetes.io/version"];
    const minor = Number(/^v?2\.(\d+)/.exec(version ?? "")?.[1] ?? least);
    const service = apiServices.find(({ metadata }) => metadata?.name === "v1beta1.external.metrics.k8s.io")
      ?.spec?.service;
    const own = namespaces.find(({ metadata }) => metadata?.name === service?.namespace)?.metadata;
    const blocked = settings.network.policies && own && own.labels?.[clientLabel] !== "true";
    return [
      ...(minor < least
        ? [
            error({
              path,
              was: `existing, version ${version}`,
              allowed: `version 2.${least} or later; or set alloyMetrics.maxReplicas to alloyMetrics.replicas`,
            }),
          ]
        : []),
      ...(blocked
        ? [
            {
              ...warning({
                path,
                was: "existing",
                allowed: `KEDA in a namespace that may connect to Mimir: NetworkPolicies block ${own.name}, so Alloy for metrics does not scale`,
                change: `Allow it: kubectl label namespace ${own.name} ${clientLabel}=true`,
              }),
              unhealthy: true as const,
            } satisfies Finding,
          ]
        : []),
    ];
  },
};
