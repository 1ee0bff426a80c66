/** The rules as policies of Pulumi. */
import type {
  EnforcementLevel,
  Policies,
  PolicyResourceOptions,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import { type Checked, findingsOf } from "./check";
import { levelOf, type PackConfig } from "./config";
import { known } from "./known";
import { isStackRule, nameOf, type Rule, type StackRule, type Subject, type Tree } from "./rule";
import { subjectOf } from "./subjects";

/** Properties of the stack that are known before its first resource. */
export type Stack = Pick<Checked, "environment" | "mirror" | "prefix">;

/** A resource in the form that Pulumi passes to a policy. */
interface Resource {
  type: string;
  name: string;
  urn: string;
  props: Tree;
  opts: Pick<PolicyResourceOptions, "protect">;
}

/**
 * Subjects by URN, from the inputs that resource policies received. A stack policy receives outputs, and a
 * preview does not know the outputs of a resource to be created: of a new bucket none at all.
 */
type Seen = Map<string, Subject | undefined>;

function read({ type, name, props, opts }: Resource): Subject | undefined {
  return subjectOf({ type, name, inputs: known(props) as Tree, protect: opts.protect });
}

/** A subject of a resource, read once for all policies. */
function subjectIn(seen: Seen, resource: Resource): Subject | undefined {
  if (!seen.has(resource.urn)) seen.set(resource.urn, read(resource));
  return seen.get(resource.urn);
}

/** A rule's own part of the config, from Pulumi. */
const configOf = (rule: Rule, args: { getConfig<T extends object>(): T }): PackConfig => ({
  [rule.id]: args.getConfig<Tree>(),
});

/** Violations of a rule without exceptions, each with its subject. */
const complaintsOf = (rule: Rule, subjects: Subject[], stack: Stack, config: PackConfig) =>
  findingsOf(rule, subjects, {
    ...stack,
    config: { [rule.id]: { ...(config[rule.id] as Tree), enforcementLevel: "mandatory" } },
  })
    .filter(({ allowed }) => allowed === undefined)
    .map(({ subject, message }) => ({ subject, message: `${nameOf(subject)}: ${message}` }));

/** Properties that all policies have. */
const head = (rule: Rule, stack: Stack) => ({
  name: rule.id,
  description: rule.requires,
  enforcementLevel: levelOf(rule, stack.environment) as EnforcementLevel,
  ...(rule.config && { configSchema: { properties: rule.config } }),
});

/** A rule about one subject: Pulumi runs it for every resource, before the resource changes. */
function resourcePolicy(rule: Exclude<Rule, StackRule>, stack: Stack, seen: Seen): ResourceValidationPolicy {
  return {
    ...head(rule, stack),
    validateResource: (args, report) => {
      const subject = subjectIn(seen, args);
      // The stack's outputs do not exist yet when the stack is registered.
      if (!subject || subject.kind === "Stack") return;
      for (const { message } of complaintsOf(rule, [subject], stack, configOf(rule, args))) report(message);
    },
  };
}

/** A rule about several subjects or about outputs: Pulumi runs it when all resources are registered. */
function stackPolicy(rule: Rule, stack: Stack, seen: Seen): StackValidationPolicy {
  return {
    ...head(rule, stack),
    validateStack: (args, report) => {
      const resources = args.resources.flatMap((resource) => {
        const subject = resource.type === "pulumi:pulumi:Stack" ? read(resource) : subjectIn(seen, resource);
        return subject ? [{ subject, urn: resource.urn }] : [];
      });
      const subjects = resources
        .map(({ subject }) => subject)
        .filter(({ kind }) => isStackRule(rule) || kind === "Stack");
      for (const { subject, message } of complaintsOf(rule, subjects, stack, configOf(rule, args)))
        report(message, resources.find((one) => one.subject === subject)?.urn);
    },
  };
}

/**
 * The policies of rules: a resource policy for each rule about one subject, a stack policy for each rule
 * about several subjects or the stack's outputs. Rules that apply only to rendered objects are skipped; `obs
 * policies` runs them.
 */
export function policiesOf(rules: Rule[], stack: Stack): Policies {
  const seen: Seen = new Map();
  return rules.flatMap((rule): Policies => {
    if (isStackRule(rule)) return rule.only === "rendered" ? [] : [stackPolicy(rule, stack, seen)];
    const policy = resourcePolicy(rule, stack, seen);
    return rule.outputs ? [{ ...policy, ...stackPolicy(rule, stack, seen) }] : [policy];
  });
}
