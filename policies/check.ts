/** Runs rules over subjects: what is found, and what an exception allows. */
import { contextOf, levelOf, type PackConfig } from "./config";
import { type Exception, exceptionFor } from "./exceptions";
import { type Environment, isStackRule, type Level, message, type Rule, type Subject } from "./rule";
import { rules } from "./rules";

/** A place where a rule is not kept. */
export interface Finding {
  rule: string;
  level: Level;
  subject: Subject;
  /** What is wrong, why that matters, how to fix it. */
  message: string;
  /** Why it is allowed; undefined if it is not. */
  allowed: string | undefined;
}

/** What a stack is checked with. */
export interface Checked {
  environment: Environment;
  /** Registry that images.registry names. @default none */
  mirror?: string | undefined;
  /** `namespaces.prefix`, which names in exceptions do not have. @default none */
  prefix?: string;
  /** The pack's config. @default none */
  config?: PackConfig;
  /** @default those of exceptions.ts */
  exceptions?: Exception[];
}

/** A subject as exceptions name it. */
const unprefixed = (subject: Subject, prefix = ""): Subject => {
  const bare = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const { name, namespace } = subject;
  return { ...subject, name: bare(name), namespace: namespace === undefined ? namespace : bare(namespace) };
};

/** What one rule finds in subjects. */
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

/** What all rules find in a stack: its resources, and the objects that its charts make. */
export const check = (subjects: Subject[], how: Checked): Finding[] =>
  rules.flatMap((rule) => findingsOf(rule, subjects, how));

/** Those that stop an update. */
export const violations = (findings: Finding[]): Finding[] =>
  findings.filter(({ level, allowed }) => level === "mandatory" && allowed === undefined);
