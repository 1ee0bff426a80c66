/** A rule: a name, a requirement, a reason, and a pure function that finds violations. */

/** The environment of the stack; rules are stricter in `prod`. */
export type Environment = "dev" | "prod";

/** `mandatory` stops a preview or an update, `advisory` only reports, `disabled` skips the rule. */
export const levels = ["mandatory", "advisory", "disabled"] as const;
export type Level = (typeof levels)[number];

/**
 * An object of any kind. Rules read many kinds at any depth; a type for each would check no more than the API
 * server does.
 */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Tree = Record<string, any>;

/**
 * An object that rules check: a Kubernetes object, a Helm release, a MinIO resource, or the stack's outputs.
 */
export interface Subject {
  /** Kind of a Kubernetes object, `Release`, `Stack`, or a MinIO resource such as `S3Bucket`. */
  kind: string;
  name: string;
  /** Its namespace; undefined for cluster-scoped objects. */
  namespace?: string | undefined;
  /** Release that it was rendered from; undefined for resources of the program itself. */
  release?: string | undefined;
  /** The object, or the resource's inputs; for `Stack` the outputs. Unknown parts are omitted. */
  object: Tree;
  /** Whether Pulumi protects it from deletion; undefined if unknown, as for a rendered object. */
  protect?: boolean | undefined;
  /** Names of a `Stack`'s outputs that are marked secret; undefined if unknown. */
  secretOutputs?: string[] | undefined;
}

/** Additional input of a rule. */
export interface Context {
  environment: Environment;
  /** Registry that images.registry names; undefined without one. */
  mirror?: string | undefined;
  /** The rule's own parameters: its defaults, and overrides from the pack's config. */
  config: Tree;
}

/** A violation of a rule. */
export interface Violation {
  /** The problem, with its place in the subject: `container app runs as root`. */
  what: string;
  /** The fix, as a sentence. */
  fix: string;
}

interface Base {
  /** Name in the pack, in its config and in exceptions. */
  id: string;
  /** The requirement, as a sentence. */
  requires: string;
  /** The reason, without a full stop; it is part of every message. */
  why: string;
  /** Level by default. */
  level: Record<Environment, Level>;
  /** Its parameters, and their JSON schema with defaults. */
  config?: Record<
    string,
    { type: "array" | "number"; items?: { type: "string" }; default: number | string[] }
  >;
}

/** A rule that checks one subject at a time: a resource policy. */
export interface SubjectRule extends Base {
  /** Whether it also checks the stack's outputs, which exist only at the end of a run. @default false */
  outputs?: boolean;
  check(subject: Subject, context: Context): Violation[];
}

/** A rule that checks several subjects together: a stack policy. */
export interface StackRule extends Base {
  /**
   * The only source of its subjects: `rendered` for objects that charts render, which the engine does not
   * see. @default both
   */
  only?: "rendered";
  checkStack(subjects: Subject[], context: Context): (Violation & { subject: Subject })[];
}

export type Rule = SubjectRule | StackRule;

export const isStackRule = (rule: Rule): rule is StackRule => "checkStack" in rule;

/** The whole message: the problem, its consequence, and the fix. */
export const message = ({ why }: Base, { what, fix }: Violation): string => `${what}: ${why}. ${fix}`;

/** Level of a rule that applies to both environments. */
export const always = { dev: "mandatory", prod: "mandatory" } as const;
/** Level of a rule that would only be an obstacle in a stack whose data may be lost. */
export const inProd = { dev: "disabled", prod: "mandatory" } as const;
/** Level of a recommendation. */
export const advice = { dev: "advisory", prod: "advisory" } as const;

/** Name of a subject in messages and tables: `Deployment loki/loki-querier`. */
export const nameOf = ({ kind, name, namespace }: Subject): string =>
  `${kind} ${namespace ? `${namespace}/` : ""}${name}`;
