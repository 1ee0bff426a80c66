import { type Check, findingIn } from "../check";

/** Nodes that are not ready, or under pressure. */
export const check: Check = {
  name: "nodes",
  async look({ cluster }) {
    return (await cluster.nodes()).flatMap(({ metadata, status }) =>
      (status?.conditions ?? [])
        .filter(({ type, status: is }) =>
          type === "Ready" ? is !== "True" : type.endsWith("Pressure") && is === "True",
        )
        .map(({ type, reason, message }) =>
          findingIn("cluster")[type === "Ready" ? "critical" : "warning"](
            `node ${metadata?.name} ${type === "Ready" ? "is not ready" : `reports ${type}`}`,
            `${reason}: ${message}`,
            `kubectl describe node ${metadata?.name}`,
            "docs/operations/runbook.md#components",
          ),
        ),
    );
  },
};
