import { type Enforcement, tryPolicies } from "../../network-probe";
import type { Check, Finding } from "../check";

const base = { layer: "network", page: "docs/guides/network.md#enforcement" } as const;

/** What the result of a probe means for a stack that has NetworkPolicies. */
export function judgeEnforcement({ state, evidence }: Enforcement): Finding[] {
  if (state === "enforced") return [];
  if (state === "unknown")
    return [
      {
        ...base,
        severity: "note",
        what: "it is not known whether the cluster enforces NetworkPolicies",
        evidence,
        fix: "fix what the evidence names, then run the doctor again; --no-probe leaves this check out",
      },
    ];
  return [
    {
      ...base,
      severity: "warning",
      what: "the cluster does not enforce NetworkPolicies: every pod reaches the stores of every tenant without a login",
      evidence,
      fix: "enable enforcement in the network plugin or install one that has it; if you accept the risk, set network.policies to false",
    },
  ];
}

/** Whether NetworkPolicies are enforced, tried by a pod. */
export const check: Check = {
  name: "enforcement of network policies",
  look: async ({ config, settings, probe }) =>
    probe && settings.network.policies ? judgeEnforcement(await tryPolicies(config, settings)) : [],
};
