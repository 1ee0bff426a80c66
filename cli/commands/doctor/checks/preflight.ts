import { examine } from "../../../../components/preflight";
import { withAddOns } from "../../../../components/preflight/add-ons";
import type { Finding as PreflightFinding } from "../../../../components/preflight/check";
import { readFacts } from "../../../../components/preflight/read-facts";
import { problemText } from "../../../../settings/problem-text";
import { type Check, type Finding, findingIn } from "../check";

const finding = findingIn("cluster", "docs/operations/preflight.md");

/** A finding of the preflight about a stack that runs. */
export function asDoctorFinding(stack: string, found: PreflightFinding): Finding {
  const [what = "", fix = ""] = problemText(stack, found)
    .split("\n")
    .map((line) => line.trim());
  return found.severity === "error"
    ? finding.warning(what, `the next ${found.temporary ? "up is" : "preview and up are"} rejected`, fix)
    : finding[found.unhealthy ? "warning" : "note"](what, "preview and up warn about it", fix);
}

/** What the next `preview` and `up` would report about the settings and the cluster. */
export const check: Check = {
  name: "settings against the cluster",
  async look({ stack, settings, config }) {
    const facts = await readFacts(config, settings);
    const { findings, unchecked } = examine(stack, withAddOns(stack, settings, facts), facts);
    const fix = "give the user of the kubeconfig the permission to list them";
    return [
      ...findings.map((one) => asDoctorFinding(stack, one)),
      ...unchecked.map((what) => finding.note(what, "the API server rejected the request", fix)),
    ];
  },
};
