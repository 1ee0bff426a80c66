/**
 * Turns a stack's configuration into its settings: defaults of the environment, overridden key by key, checked
 * together.
 */
import type { z } from "zod";
import { agentDefaults, installs } from "./agents";
import type { Problem } from "./check";
import { checks } from "./checks";
import { hubOnlyProblems } from "./checks-agents";
import { settingAt } from "./describe";
import { dev } from "./dev";
import { plainSecrets } from "./plain-secrets";
import { presetOf } from "./platforms";
import { problemText } from "./problem-text";
import { prod } from "./prod";
import { type Settings, type SettingsChanges, type SettingsInput, schema } from "./schema";
import { isTree, merge, type Tree, valueAt } from "./tree";
import { UserError } from "./user-error";

export type { Problem } from "./check";
export { invalid, unknown } from "./problem-text";
export type { Cache, Settings, SettingsChanges, SettingsInput, Workload } from "./schema";
export { schema } from "./schema";
export { Sensitive } from "./sensitive";
export { sizingWarnings, storageForecast } from "./sizing-problems";
export { UserError } from "./user-error";

/** Name of the Pulumi project, the namespace of its config keys. */
export const project = "observability";

const profiles: Record<string, SettingsInput> = { dev, prod };

/** All problems with a stack's settings, in one error. */
export class SettingsError extends UserError {
  /** @param stackName the stack whose configuration has the settings; undefined if a program defines them */
  constructor(
    readonly stackName: string | undefined,
    readonly problems: Problem[],
  ) {
    const lines = problems.map((problem) => problemText(stackName, problem));
    const count = problems.length === 1 ? "1 invalid setting" : `${problems.length} invalid settings`;
    super(`${count}; no changes were made.\n${lines.join("\n")}`);
  }
}

const written = (path: readonly PropertyKey[]) =>
  path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index ? "." : ""}${String(key)}`))
    .join("");

/** A copy of `tree` in which `path` has its value from `defaults`, or is removed if `defaults` has none. */
function reset(tree: unknown, defaults: unknown, path: readonly PropertyKey[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || Array.isArray(tree)) return defaults;
  if (!isTree(tree)) return defaults;
  const { [key as string]: child, ...others } = tree;
  const fallback = isTree(defaults) ? defaults[key as string] : undefined;
  const value = rest.length ? reset(child, fallback, rest) : fallback;
  return value === undefined ? others : { ...others, [key as string]: value };
}

/** The value at a path for a message. Where a secret belongs, an invalid value may still be a secret, so it is hidden. */
const shown = (tree: unknown, path: readonly PropertyKey[], hidden: boolean | undefined): unknown => {
  const value = valueAt(tree, path);
  return hidden && value !== undefined ? "[secret]" : value;
};

type Issue = z.core.$ZodIssue;

/** The problems that an issue of the schema describes. */
export function problemsOf(issue: Issue, wanted: unknown): Problem[] {
  const path = written(issue.path);
  if (issue.code === "unrecognized_keys") {
    const group = settingAt(path);
    return issue.keys.map((key) => ({
      path: written([...issue.path, key]),
      was: shown(wanted, [...issue.path, key], group?.secret),
      allowed: "nothing: there is no such setting",
      valid: [...(group?.children.keys() ?? [])],
    }));
  }
  const allowed =
    issue.code === "invalid_key" ? `nothing: its name is not ${issue.issues[0]?.message}` : issue.message;
  return [{ path, was: shown(wanted, issue.path, settingAt(path)?.secret), allowed }];
}

/** `tree` with every invalid value reset to its default. */
const withDefaults = (tree: unknown, profile: SettingsInput, issues: Issue[], up: number): unknown =>
  issues
    .flatMap((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
    )
    .reduce<unknown>((mended, path) => reset(mended, profile, path.slice(0, path.length - up)), tree);

/**
 * The settings of a stack.
 *
 * @param stack the stack's name, for messages; undefined if a program defines the settings
 * @param given the stack's configuration, by top-level key
 * @throws SettingsError with every problem, before anything else happens
 */
export function parseSettings(stack: string | undefined, given: Tree): Settings {
  const environment = Object.keys(profiles).find((name) => name === given["environment"]);
  const ofEnvironment = merge(profiles[environment ?? ""] ?? dev, presetOf(given["cluster"]));
  const profile = (
    given["hub"] === undefined ? ofEnvironment : merge(ofEnvironment, agentDefaults)
  ) as SettingsInput;
  const wanted = merge({ ...profile, environment: undefined }, given);
  const result = schema.safeParse(wanted);
  const misplaced = hubOnlyProblems(given);
  const leaves = stack === undefined && given["grafana"] === undefined ? ["grafana."] : [];
  if (result.success) return refuse(stack, misplaced, result.data, wanted, leaves);

  const problems = [...misplaced, ...result.error.issues.flatMap((issue) => problemsOf(issue, wanted))];
  // Without an environment there are no defaults to merge.
  if (!environment) throw new SettingsError(stack, problems);
  // With invalid values reset to their defaults, the rest can be checked too, so that one run reports all problems.
  const mended = withDefaults(wanted, profile, result.error.issues, 0);
  const second = schema.safeParse(mended);
  if (second.success) return refuse(stack, problems, second.data, mended, leaves);
  // A setting without a default is removed together with the group that requires it.
  const third = schema.safeParse(withDefaults(mended, profile, second.error.issues, 1));
  if (!third.success) throw new SettingsError(stack, problems);
  return refuse(stack, problems, third.data, mended, leaves);
}

/**
 * Settings that a program defines for the components it uses. Pulumi configuration is not read. If the program sets
 * none, Grafana's component checks its settings itself.
 *
 * @throws SettingsError with every problem
 */
export const defineSettings = (changes: SettingsChanges): Settings => parseSettings(undefined, changes);

/** @throws SettingsError with every problem of a group of settings that a program defines */
export function refuseInvalid(settings: Settings, group: keyof Settings): void {
  const problems = problemsIn(settings).filter(({ path }) => path.startsWith(`${group}.`));
  if (problems.length) throw new SettingsError(undefined, problems);
}

/** Whether two paths are equal, or one contains the other. */
const overlap = (one: string, other: string): boolean =>
  one === other || [".", "["].some((sign) => one.startsWith(other + sign) || other.startsWith(one + sign));

/** A problem with the value as written in the configuration: `37d`, where a rule has seconds. */
function asWritten(problem: Problem, wanted: unknown): Problem {
  const value = valueAt(wanted, problem.path.split(/[.[\]]+/).filter(Boolean));
  return typeof problem.was === "string" &&
    problem.was !== "[secret]" &&
    typeof value === "string" &&
    !settingAt(problem.path)?.secret
    ? { ...problem, was: value }
    : problem;
}

/** Problems between settings. */
const problemsIn = (settings: Settings): Problem[] =>
  checks.flatMap((check) => check(settings)).filter(({ path }) => installs(settings, path));

/**
 * @param leaves prefixes of paths that are not checked
 * @throws SettingsError with the known problems and those between settings
 */
function refuse(
  stack: string | undefined,
  known: Problem[],
  settings: Settings,
  wanted: unknown,
  leaves: string[],
): Settings {
  const joined = problemsIn(settings)
    .filter(({ path }) => !leaves.some((beginning) => path.startsWith(beginning)))
    .map((problem) => asWritten(problem, wanted))
    // A problem with the default that replaced an invalid value does not concern the user's value.
    .filter(({ path }) => !known.some((problem) => overlap(path, problem.path)));
  const all = [...new Map([...known, ...joined].map((problem) => [problem.path, problem])).values()];
  if (all.length) throw new SettingsError(stack, all);
  return settings;
}

/**
 * @throws SettingsError if the configuration of a prod stack has secrets in plain text; `encrypted` as `plainSecrets`
 * accepts it
 */
export function refusePlainSecrets(
  stack: string,
  settings: Settings,
  encrypted: (key: string) => boolean,
): void {
  const problems = plainSecrets(settings, encrypted);
  if (problems.length) throw new SettingsError(stack, problems);
}

/**
 * The settings in a stack's whole configuration, as a tree. Keys of other projects and providers are ignored, and so
 * are empty groups, because the engine adds the defaults of Pulumi.yaml. An unknown empty group is an error.
 */
export const settingsIn = (config: Record<string, string>): Tree =>
  Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(`${project}:`))
      .map(([key, raw]) => [key.slice(project.length + 1), fromText(raw)] as const)
      .filter(([key, value]) => !settingAt(key) || !isTree(value) || Object.keys(value).length > 0),
  );

/** The settings of a stack from its whole configuration in the engine's form: `project:key` to text, objects as JSON. */
export const readSettings = (stack: string, config: Record<string, string>): Settings =>
  parseSettings(stack, settingsIn(config));

/** The parsed object or list if the text is JSON of one, otherwise the text. */
function fromText(raw: string): unknown {
  if (!/^\s*[{[]/.test(raw)) return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
