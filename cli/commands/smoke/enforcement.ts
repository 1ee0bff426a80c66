/** Test 11: a pod opens a connection that the stack's NetworkPolicies allow, and one that they reject. */
import { tryPolicies } from "../../lib/network-probe";
import { type Check, type Context, evidence, Skipped } from "./check";

export const enforcement: Check = {
  number: 11,
  name: "network policies are enforced",
  async show(context: Context) {
    const { hub, network } = context.settings;
    if (hub) throw new Skipped("it connects to Loki, which this cluster does not have");
    if (!network.policies) throw new Skipped("network.policies is false");
    const { enforced, evidence: seen } = await tryPolicies(context);
    if (enforced === undefined) throw new Skipped(`cannot tell: ${seen}`);
    if (!enforced)
      throw new Error(
        `the network plugin does not enforce them (docs/guides/network.md#enforcement): ${seen}`,
      );
    return [evidence("connections of a pod", seen)];
  },
};
