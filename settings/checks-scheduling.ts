/** Rules about the placement of pods. */
import type { z } from "zod";
import type { Check, Problem } from "./check";
import type { tolerations } from "./scheduling";

type Tolerations = z.output<ReturnType<typeof tolerations>>;

/** Requirements of the API server for a toleration, in addition to the form of each field. */
function tolerationProblems(path: string, tolerations: Tolerations) {
  return tolerations.flatMap(
    ({ key, operator = "Equal", value, effect, tolerationSeconds }, index): Problem[] => {
      const at = `${path}[${index}]`;
      if (key === undefined && operator !== "Exists")
        return [{ path: `${at}.operator`, was: operator, allowed: "Exists, because key is not set" }];
      if (operator === "Exists" && value)
        return [{ path: `${at}.value`, was: value, allowed: "nothing: the operator is Exists" }];
      if (tolerationSeconds !== undefined && effect !== "NoExecute")
        return [
          { path: `${at}.effect`, was: effect, allowed: "NoExecute, because tolerationSeconds is set" },
        ];
      return [];
    },
  );
}

const placements: Check = ({ cluster: { scheduling } }) => {
  const at = "cluster.scheduling";
  const all = [
    [at, scheduling] as const,
    ...Object.entries(scheduling.components).map(([name, own]) => [`${at}.components.${name}`, own] as const),
  ];
  return all.flatMap(([path, { nodeSelector = {}, tolerations = [] }]) => [
    ...("kubernetes.io/os" in nodeSelector
      ? [
          {
            path: `${path}.nodeSelector`,
            was: nodeSelector,
            allowed: "without kubernetes.io/os: every pod of the stack runs on Linux",
          },
        ]
      : []),
    ...tolerationProblems(`${path}.tolerations`, tolerations),
  ]);
};

export const schedulingChecks: Check[] = [placements];
