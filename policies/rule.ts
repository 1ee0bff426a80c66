/** A rule: a name, a requirement, a reason, and a pure function that finds violations. */

/** Which of the two kinds of stack is looked at; rules are stricter in `prod`. */
export type Environment = "dev" | "prod";

/** `mandatory` stops a preview or an update, `advisory` only tells, `disabled` looks at nothing. */
export const levels = ["mandatory", "advisory", "disabled"] as const;
export type Level = (typeof levels)[number];

/** Objects of many kinds are read deeply; a type for each would say no more than the API server does. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Tree = Record<string, any>;

/** A thing that rules look at: a Kubernetes object, a Helm release, a resource of MinIO, or the stack's outputs. */
export interface Subject {
  /** Kind of a Kubernetes object, `Release`, `Stack`, or a MinIO resource such as `S3Bucket`. */
  kind: string;
  name: string;
  /** Namespace that it lands in; none for what has none. */
  namespace?: string | undefined;
  /** Release that it was rendered from; undefined for what the program itself registers. */
  release?: string | undefined;
  /** The object, or the resource's inputs; of `Stack` the outputs. Parts that are not known yet are left out. */
  object: Tree;
  /** Whether Pulumi refuses to delete it; undefined where that cannot be said, as of a rendered object. */
  protect?: boolean | undefined;
  /** Names of outputs, of a `Stack`, that are marked secret; undefined where that cannot be seen. */
  secretOutputs?: string[] | undefined;
}

/** What a rule may use in addition to the subject. */
export interface Context {
  environment: Environment;
  /** Registry that images.registry names; undefined where it names none. */
  mirror?: string | undefined;
  /** The rule's own parameters: its defaults, and what the pack's config says otherwise. */
  config: Tree;
}

/** One place where a rule is not kept. */
export interface Complaint {
  /** What is wrong, with the place in the subject: `container app runs as root`. */
  what: string;
  /** What to do about it, as a sentence. */
  fix: string;
}

interface Base {
  /** Name in the pack, in its config and in exceptions. */
  id: string;
  /** What it asks for, as a sentence. */
  asks: string;
  /** Why, without a full stop; it is part of every message. */
  why: string;
  /** Level where nothing else is configured. */
  level: Record<Environment, Level>;
  /** Its parameters, and their JSON schema with defaults. */
  config?: Record<
    string,
    { type: "array" | "number"; items?: { type: "string" }; default: number | string[] }
  >;
}

/** A rule that looks at one subject at a time: a resource policy. */
export interface SubjectRule extends Base {
  /** Whether it looks at the stack's outputs, too, which are there only at the end of a run. @default false */
  outputs?: boolean;
  check(subject: Subject, context: Context): Complaint[];
}

/** A rule that looks at what belongs together: a stack policy. */
export interface StackRule extends Base {
  /** Where it can be seen: `rendered` for what charts make, which no engine sees. @default both */
  only?: "rendered";
  checkStack(subjects: Subject[], context: Context): (Complaint & { subject: Subject })[];
}

export type Rule = SubjectRule | StackRule;

export const isStackRule = (rule: Rule): rule is StackRule => "checkStack" in rule;

/** The whole message: what is wrong, why that matters, how to fix it. */
export const message = ({ why }: Base, { what, fix }: Complaint): string => `${what}: ${why}. ${fix}`;

/** Level of a rule that matters in both kinds of stack. */
export const always = { dev: "mandatory", prod: "mandatory" } as const;
/** Level of a rule that would only be in the way where data may be lost. */
export const inProd = { dev: "disabled", prod: "mandatory" } as const;
/** Level of a rule that gives advice. */
export const advice = { dev: "advisory", prod: "advisory" } as const;

/** How a subject is named in messages and tables: `Deployment loki/loki-querier`. */
export const nameOf = ({ kind, name, namespace }: Subject): string =>
  `${kind} ${namespace ? `${namespace}/` : ""}${name}`;
