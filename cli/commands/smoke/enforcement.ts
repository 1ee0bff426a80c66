import { tryPolicies } from "../../lib/network-probe";
import { type Check, evidence, Skipped } from "./check";

export const enforcement: Check = {
  number: 11,
  name: "network policies are enforced",
  async show({ config, settings }) {
    if (!settings.network.policies) throw new Skipped("network.policies is false");
    const { state, evidence: found } = await tryPolicies(config, settings);
    if (state === "unknown") throw new Skipped(`cannot tell: ${found}`);
    if (state === "not enforced")
      throw new Error(`the network plugin does not enforce them (docs/guides/network.md): ${found}`);
    return [evidence("two connections of a pod, one allowed and one not", found)];
  },
};
