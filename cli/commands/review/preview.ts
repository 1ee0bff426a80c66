/** A preview by the real engine, as far as a reviewer needs it: which resources change, what a policy says, what failed. */
import { delimiter, join } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { root } from "../../lib/stack-config";
import { maskText, newMask } from "../diff/mask";

/** A resource that `up` would change. No value is kept: a path tells what differs, and values may be secret. */
export interface ResourceChange {
  /** `create`, `update`, `replace`, `delete`, `import`. */
  op: string;
  /** `Release`, `S3Bucket`. */
  type: string;
  name: string;
  /** Paths of the properties that differ. */
  paths: string[];
}

/** What a policy found. */
export interface Finding {
  policy: string;
  level: string;
  /** Type and name of the resource; left out where it is about the whole stack. */
  resource?: string;
  message: string;
}

/** A preview. */
export interface Preview {
  changes: ResourceChange[];
  /** Resources that stay as they are. */
  same: number;
  findings: Finding[];
  /** Errors of the engine and the program; there are none where it ran to its end. */
  errors: string[];
  /** Whether it ran to its end and no mandatory policy is violated. */
  passed: boolean;
}

/** What the engine does beside the work, and what it says of a resource that is replaced more than once. */
const silent = ["same", "read", "refresh", "discard", "discard-replaced", "remove-pending-replace"];
const partsOfReplace = ["create-replacement", "delete-replaced"];

const nameOf = (urn: string): { type: string; name: string } => {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split(/[:$]/).at(-1) ?? "", name: name.join("::") };
};

/** Colours and other marks of a terminal, and the engine's own (`<{%reset%}>`). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with
const marks = /\u001b\[[0-9;]*m|<\{%.*?%\}>/g;

/** A message as it may be shown. */
const clean = (message: string): string => maskText(message.replace(marks, ""), newMask()).trim();

/**
 * Reads the engine's events.
 *
 * @param failure message of the command itself, where it failed
 */
export function readEvents(events: EngineEvent[], failure?: string): Preview {
  const changes: ResourceChange[] = [];
  const findings: Finding[] = [];
  const errors: string[] = [];
  let same = 0;
  for (const { resourcePreEvent, policyEvent, diagnosticEvent } of events) {
    if (resourcePreEvent) {
      const { op, urn, detailedDiff, diffs } = resourcePreEvent.metadata;
      const { type, name } = nameOf(urn);
      if (op === "same" && type !== "Stack") same++;
      if (
        silent.includes(op) ||
        partsOfReplace.includes(op) ||
        type === "Stack" ||
        urn.includes("pulumi:providers:")
      )
        continue;
      const paths = Object.keys(detailedDiff ?? {}).concat(detailedDiff ? [] : (diffs ?? []));
      changes.push({ op, type, name, paths: paths.sort() });
    }
    if (policyEvent) {
      const { policyName: policy, enforcementLevel: level, resourceUrn, message } = policyEvent;
      const { type, name } = nameOf(resourceUrn ?? "");
      const resource = type && type !== "Stack" ? { resource: `${type} ${name}` } : {};
      findings.push({ policy, level, ...resource, message: clean(message) });
    }
    if (diagnosticEvent?.severity === "error") errors.push(clean(diagnosticEvent.message));
  }
  const mandatory = findings.some(({ level }) => level === "mandatory");
  // What a policy refused is told by the findings; the command's own words only repeat it.
  if (failure && !errors.length && !mandatory) errors.push(clean(failure));
  return { changes, same, findings, errors, passed: !failure && !mandatory };
}

/**
 * Previews a stack by the Pulumi CLI with the policy pack. Backend and cluster are those of the environment; where the
 * stack is not known there it is made, empty.
 *
 * @param packs folders of policy packs, relative to the project's
 */
export async function preview(stack: string, packs: string[]): Promise<Preview> {
  const { LocalWorkspace } =
    require("@pulumi/pulumi/automation") as typeof import("@pulumi/pulumi/automation");
  // The launcher of the npm package, where no CLI is installed.
  process.env["PATH"] = `${process.env["PATH"] ?? ""}${delimiter}${join(root, "node_modules", ".bin")}`;
  const events: EngineEvent[] = [];
  const failure = await LocalWorkspace.createOrSelectStack(
    { stackName: stack, workDir: root },
    { envVars: { PULUMI_SKIP_UPDATE_CHECK: "true" } },
  )
    .then((found) =>
      found.preview({ policyPacks: packs, onEvent: (event) => events.push(event), color: "never" }),
    )
    .then(
      () => undefined,
      (error: Error) => error.message,
    );
  return readEvents(events, failure);
}
