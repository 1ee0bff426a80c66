import { examine } from "../../../../components/preflight";
import { withAddOns } from "../../../../components/preflight/add-ons";
import type { Finding as PreflightFinding } from "../../../../components/preflight/check";
import { readFacts } from "../../../../components/preflight/facts";
import { problemText } from "../../../../settings/problem-text";
import type { Check, Finding } from "../check";

const base = { layer: "cluster", page: "docs/operations/preflight.md" } as const;

/** A finding of the preflight about a stack that runs. */
export function asDoctorFinding(stack: string, finding: PreflightFinding): Finding {
  const [what = "", fix = ""] = problemText(stack, finding)
    .split("\n")
    .map((line) => line.trim());
  const refused = finding.severity === "error";
  return {
    ...base,
    severity: refused || finding.unhealthy ? "warning" : "note",
    what,
    evidence: refused ? "the next preview and up are refused" : "preview and up warn about it",
    fix,
  };
}

/** What the next `preview` and `up` would report about the settings and the cluster. */
export const check: Check = {
  name: "settings against the cluster",
  async look({ stack, settings, config }) {
    const facts = await readFacts(config, settings);
    const { findings, unchecked } = examine(stack, withAddOns(stack, settings, facts), facts);
    return [
      ...findings.map((finding) => asDoctorFinding(stack, finding)),
      ...unchecked.map(
        (what): Finding => ({
          ...base,
          severity: "note",
          what,
          evidence: "the API server refused the request",
          fix: "give the user of the kubeconfig the permission to list them",
        }),
      ),
    ];
  },
};
