import { type Enforcement, tryPolicies } from "../../../lib/network-probe";
import { type Check, type Finding, findingIn } from "../check";

const finding = findingIn("network", "docs/guides/network.md#enforcement");

/** The finding of a probe's result. */
export function judgeEnforcement({ enforced, evidence }: Enforcement): Finding[] {
  if (enforced) return [];
  if (enforced === undefined)
    return [
      finding.note(
        "it is not known whether the cluster enforces NetworkPolicies",
        evidence,
        "fix what the evidence names, then run the doctor again",
      ),
    ];
  return [
    finding.warning(
      "the cluster does not enforce NetworkPolicies: every pod reaches the stores of every tenant without a login",
      evidence,
      "enable enforcement in the network plugin, or install a plugin that has it; to accept the risk, set network.policies to false",
    ),
  ];
}

/** Whether NetworkPolicies are enforced, tested by a pod. */
export const check: Check = {
  name: "enforcement of network policies",
  async look(context) {
    if (!context.probe || !context.settings.network.policies) return [];
    const result = tryPolicies(context);
    return judgeEnforcement(await result.catch(({ message }: Error) => ({ evidence: message })));
  },
};
