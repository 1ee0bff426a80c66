/** Runs rules over subjects and applies the exceptions. */
import { contextOf, levelOf, type PackConfig } from "./config";
import { type Exception, exceptionFor } from "./exceptions";
import { type Environment, isStackRule, type Level, message, type Rule, type Subject } from "./rule";
import { rules } from "./rules";

/** A violation of a rule. */
export interface Finding {
  rule: string;
  level: Level;
  subject: Subject;
  /** The problem, its consequence, and the fix. */
  message: string;
  /** Reason of the exception that allows it; undefined without one. */
  allowed: string | undefined;
}

/** Environment of a check. */
export interface Checked {
  environment: Environment;
  /** Registry that images.registry names. @default none */
  mirror?: string | undefined;
  /** `namespaces.prefix`; names in exceptions omit it. @default none */
  prefix?: string;
  /** The pack's config. @default none */
  config?: PackConfig;
  /** @default the exceptions of exceptions.ts */
  exceptions?: Exception[];
}

/** A subject with the names that exceptions use. */
const unprefixed = (subject: Subject, prefix = ""): Subject => {
  const bare = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const { name, namespace } = subject;
  return { ...subject, name: bare(name), namespace: namespace === undefined ? namespace : bare(namespace) };
};

/** Violations of one rule in subjects. */
export function findingsOf(rule: Rule, subjects: Subject[], how: Checked): Finding[] {
  const level = levelOf(rule, how.environment, how.config);
  if (level === "disabled") return [];
  const context = contextOf(rule, how.environment, how.config, how.mirror);
  const complaints = isStackRule(rule)
    ? rule.checkStack(subjects, context)
    : subjects.flatMap((subject) =>
        rule.check(subject, context).map((complaint) => ({ subject, ...complaint })),
      );
  return complaints.map(({ subject, ...complaint }) => ({
    rule: rule.id,
    level,
    subject,
    message: message(rule, complaint),
    allowed: exceptionFor(rule.id, unprefixed(subject, how.prefix), complaint.what, how.exceptions)?.reason,
  }));
}

/** Violations of all rules in a stack: in its resources, and in the objects that its charts render. */
export const check = (subjects: Subject[], how: Checked): Finding[] =>
  rules.flatMap((rule) => findingsOf(rule, subjects, how));

/** Violations that stop an update. */
export const violations = (findings: Finding[]): Finding[] =>
  findings.filter(({ level, allowed }) => level === "mandatory" && allowed === undefined);
