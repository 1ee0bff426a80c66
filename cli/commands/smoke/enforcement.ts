/** Test 11: NetworkPolicies are enforced. */
import { tryPolicies } from "../../lib/network-probe";
import { type Check, Skipped } from "./check";

export const enforcement: Check[] = [
  {
    number: 11,
    name: "network policies are enforced",
    async show({ config, settings }) {
      if (!settings.network.policies) throw new Skipped("network.policies is false");
      const { state, evidence } = await tryPolicies(config, settings);
      if (state === "unknown") throw new Skipped(`cannot tell: ${evidence}`);
      if (state === "not enforced")
        throw new Error(`the network plugin does not enforce them (docs/guides/network.md): ${evidence}`);
      return [{ asked: "two connections of a pod, one allowed and one not", answer: evidence }];
    },
  },
];
