import type { V1Pod } from "@kubernetes/client-node";
import { type Check, warning } from "../check";

/** https://github.com/open-telemetry/opentelemetry-operator#opentelemetry-auto-instrumentation-injection */
const requests = /^instrumentation\.opentelemetry\.io\/inject-(python|java|nodejs|dotnet)$/;
/** The start of the name of the init container that copies the SDK into the pod. */
const injected = "opentelemetry-auto-instrumentation";

const lacks = ({ metadata, spec }: V1Pod): boolean =>
  Object.entries(metadata?.annotations ?? {}).some(
    ([key, value]) => requests.test(key) && value !== "false",
  ) && !spec?.initContainers?.some(({ name }) => name.startsWith(injected));

/** Pods that request instrumentation run with it. The operator's webhook ignores failures, so they also start without it. */
export const check: Check<"pods"> = {
  name: "instrumentation of pods",
  needs: ["pods"],
  find({ facts }) {
    const plain = facts.pods
      .filter(lacks)
      .map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`)
      .sort();
    if (plain.length === 0) return [];
    const more = plain.length > 3 ? ` and ${plain.length - 3} more` : "";
    return [
      {
        ...warning({
          path: "tracing",
          was: `pods ${plain.slice(0, 3).join(", ")}${more}`,
          allowed:
            "instrumented, as their annotations request: they started while the OpenTelemetry operator was unavailable, or tracing.languages lacks their language",
          change: "Restart them: kubectl -n <namespace> rollout restart deployment <name>",
        }),
        unhealthy: true,
      },
    ];
  },
};
