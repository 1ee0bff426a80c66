/** Rules about the placement of pods. */
import type { z } from "zod";
import type { Check, Problem } from "./check";
import type { tolerations } from "./scheduling";

type Tolerations = z.output<ReturnType<typeof tolerations>>;

/** What the API server requires of a toleration, beyond the form of each field. */
function tolerationProblems(path: string, tolerations: Tolerations) {
  return tolerations.flatMap(
    ({ key, operator = "Equal", value, effect, tolerationSeconds }, index): Problem[] => {
      const at = `${path}[${index}]`;
      if (key === undefined && operator !== "Exists")
        return [{ path: `${at}.operator`, was: operator, allowed: "Exists, because there is no key" }];
      if (operator === "Exists" && value)
        return [{ path: `${at}.value`, was: value, allowed: "nothing: the operator is Exists" }];
      if (tolerationSeconds !== undefined && effect !== "NoExecute")
        return [
          { path: `${at}.effect`, was: effect, allowed: "NoExecute, because there are tolerationSeconds" },
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
