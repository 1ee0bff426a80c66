import { type Check, error } from "../check";

/** NetworkPolicies allow connections to the API server, on the ports of its endpoints. */
export const check: Check<"apiServerPorts"> = {
  name: "ports of the API server",
  needs: ["apiServerPorts"],
  applies: ({ network }) => network.policies,
  find({ settings, facts: { apiServerPorts } }) {
    const was = settings.network.apiServerPorts;
    const missing = apiServerPorts.filter((port) => !was.includes(port));
    if (missing.length === 0) return [];
    return [
      error({
        path: "network.apiServerPorts",
        was,
        allowed: `a list with ${missing.join(", ")}: the endpoints of Service default/kubernetes listen there, and NetworkPolicies apply to the endpoint's port`,
      }),
    ];
  },
};
