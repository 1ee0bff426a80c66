import { NetworkingV1Api } from "@kubernetes/client-node";
import { networkPolicies } from "../../../../values/network-policies";
import { type Enforcement, tryPolicies } from "../../../lib/network-probe";
import { type Check, type Finding, findingIn } from "../check";

/** The finding of a probe's result. @param missing NetworkPolicies of the stack that do not exist */
export function judgeEnforcement({ state, evidence }: Enforcement, missing: string[]): Finding[] {
  const finding = findingIn("network", "docs/guides/network.md#enforcement");
  if (state === "enforced") return [];
  if (state === "unknown")
    return [
      finding(
        "note",
        "it is not known whether the cluster enforces NetworkPolicies",
        evidence,
        "fix what the evidence names, then run the doctor again; --no-probe leaves this check out",
      ),
    ];
  return [
    finding(
      "warning",
      missing.length
        ? `NetworkPolicies of the stack do not exist, and pods reach the stores of every tenant without a login: ${missing.join(", ")}`
        : "the cluster does not enforce NetworkPolicies: every pod reaches the stores of every tenant without a login",
      evidence,
      missing.length
        ? "./obs refresh, then ./obs up: it creates them again"
        : "enable enforcement in the network plugin or install one that has it; if you accept the risk, set network.policies to false",
    ),
  ];
}

const title = (metadata?: { namespace?: string; name?: string }) =>
  `${metadata?.namespace}/${metadata?.name}`;

/** Whether NetworkPolicies are enforced, tried by a pod. */
export const check: Check = {
  name: "enforcement of network policies",
  async look({ config, settings, probe }) {
    if (!probe || !settings.network.policies) return [];
    const networking = config.makeApiClient(NetworkingV1Api);
    const [result, { items }] = await Promise.all([
      tryPolicies(config, settings),
      networking.listNetworkPolicyForAllNamespaces(),
    ]);
    const existing = new Set(items.map(({ metadata }) => title(metadata)));
    const missing = networkPolicies(settings)
      .map(({ metadata }) => title(metadata))
      .filter((name) => !existing.has(name));
    return judgeEnforcement(result, missing);
  },
};
