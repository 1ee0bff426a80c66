import { clientLabel } from "../../../names";
import { needsKeda } from "../../../values/scaling";
import { leftovers } from "../add-ons";
import { type Check, error, type Finding, warning } from "../check";

const path = "scaling.keda";
/** The first version with `fallback.behavior`: https://github.com/kedacore/keda/pull/6464 */
const least = 17;

/** KEDA of another installation runs, accepts the ScaledObject, and reaches Mimir. */
export const check: Check<"definitions" | "apiServices" | "namespaces"> = {
  name: "KEDA",
  needs: ["definitions", "apiServices", "namespaces"],
  applies: (settings) => needsKeda(settings) && settings.scaling.keda === "existing",
  find({ settings, facts: { definitions, apiServices, namespaces } }) {
    const crd = definitions.find(({ name }) => name === "scaledobjects.keda.sh");
    const version = crd?.labels?.["app.kubernetes.io/version"];
    const minor = Number(/^v?2\.(\d+)/.exec(version ?? "")?.[1] ?? least);
    const server = apiServices.find(({ metadata }) => metadata?.name === "v1beta1.external.metrics.k8s.io");
    const service = server?.spec?.service;
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
      ...(crd && !server
        ? [
            warning({
              path,
              was: "existing",
              allowed:
                "auto or install, unless KEDA starts: the cluster has its CRDs, but no APIService v1beta1.external.metrics.k8s.io, so Alloy for metrics does not scale",
              change: leftovers(path, "keda.sh"),
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
