import type { Check, Finding } from "../check";

/** Nodes that are not ready, or under pressure. */
export const check: Check = {
  name: "nodes",
  async look({ cluster }) {
    const findings: Finding[] = [];
    for (const { metadata, status } of await cluster.nodes())
      for (const { type, status: holds, reason, message } of status?.conditions ?? []) {
        const bad = type === "Ready" ? holds !== "True" : /Pressure$/.test(type) && holds === "True";
        if (bad)
          findings.push({
            severity: type === "Ready" ? "critical" : "warning",
            layer: "cluster",
            what: `node ${metadata?.name} ${type === "Ready" ? "is not ready" : `reports ${type}`}`,
            evidence: `${reason}: ${message}`,
            fix: `kubectl describe node ${metadata?.name}`,
            page: "docs/operations/runbook.md#components",
          });
      }
    return findings;
  },
};
