/** From a stack's config to its settings: defaults of the environment, overridden key by key, checked at once. */
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

/** Everything that is wrong with a stack's settings, in one error. */
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

/** A copy of `tree` in which `path` has the value it has in `defaults`, or is gone where that has none. */
function reset(tree: unknown, defaults: unknown, path: readonly PropertyKey[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || Array.isArray(tree)) return defaults;
  if (!isTree(tree)) return defaults;
  const { [key as string]: child, ...others } = tree;
  const fallback = isTree(defaults) ? defaults[key as string] : undefined;
  const value = rest.length ? reset(child, fallback, rest) : fallback;
  return value === undefined ? others : { ...others, [key as string]: value };
}

/** What stands at a path, as far as it may be shown: where secrets belong, a wrong one may still be a secret. */
const shown = (tree: unknown, path: readonly PropertyKey[], hidden: boolean | undefined): unknown => {
  const value = valueAt(tree, path);
  return hidden && value !== undefined ? "[secret]" : value;
};

type Issue = z.core.$ZodIssue;

/** The problems that an issue of the schema stands for. */
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

/** `tree` with everything that the issues name back at its default. */
const mend = (tree: unknown, profile: SettingsInput, issues: Issue[], up: number): unknown =>
  issues
    .flatMap((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
    )
    .reduce<unknown>((mended, path) => reset(mended, profile, path.slice(0, path.length - up)), tree);

/**
 * The settings of a stack.
 *
 * @param stack the stack's name, for messages; undefined if a program defines the settings
 * @param given what the stack's config says, by top-level key
 * @throws SettingsError with every problem, before anything else has happened
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
  // With the wrong ones back at their defaults the rest can still be checked, so that one run tells everything.
  const mended = mend(wanted, profile, result.error.issues, 0);
  const second = schema.safeParse(mended);
  if (second.success) return refuse(stack, problems, second.data, mended, leaves);
  // What has no default goes with the group that cannot be without it.
  const third = schema.safeParse(mend(mended, profile, second.error.issues, 1));
  if (!third.success) throw new SettingsError(stack, problems);
  return refuse(stack, problems, third.data, mended, leaves);
}

/**
 * Settings that a program defines for the components it uses. Pulumi configuration is not read. Grafana itself checks its
 * settings if the program does not set any.
 *
 * @throws SettingsError with every problem
 */
export const defineSettings = (changes: SettingsChanges): Settings => parseSettings(undefined, changes);

/** @throws SettingsError with every problem of a group of settings that a program defines */
export function refuseInvalid(settings: Settings, group: keyof Settings): void {
  const problems = problemsIn(settings).filter(({ path }) => path.startsWith(`${group}.`));
  if (problems.length) throw new SettingsError(undefined, problems);
}

/** Whether one of two paths is the other, or a group around it. */
const overlap = (one: string, other: string): boolean =>
  one === other || [".", "["].some((sign) => one.startsWith(other + sign) || other.startsWith(one + sign));

/** A problem with the value as it was written: `37d`, where a rule knows seconds. */
function asWritten(problem: Problem, wanted: unknown): Problem {
  const value = valueAt(wanted, problem.path.split(/[.[\]]+/).filter(Boolean));
  return typeof problem.was === "string" &&
    problem.was !== "[secret]" &&
    typeof value === "string" &&
    !settingAt(problem.path)?.secret
    ? { ...problem, was: value }
    : problem;
}

/** The problems that settings have with each other. */
const problemsIn = (settings: Settings): Problem[] =>
  checks.flatMap((check) => check(settings)).filter(({ path }) => installs(settings, path));

/**
 * @param leaves beginnings of paths that are not checked
 * @throws SettingsError with the problems known already and those that settings have with each other
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
    // What a rule says about a value that was put in for a wrong one says nothing about the user's.
    .filter(({ path }) => !known.some((problem) => overlap(path, problem.path)));
  const all = [...new Map([...known, ...joined].map((problem) => [problem.path, problem])).values()];
  if (all.length) throw new SettingsError(stack, all);
  return settings;
}

/** @throws SettingsError where a prod stack's config has secrets in plain text; `encrypted` as `plainSecrets` takes it */
export function refusePlainSecrets(
  stack: string,
  settings: Settings,
  encrypted: (key: string) => boolean,
): void {
  const problems = plainSecrets(settings, encrypted);
  if (problems.length) throw new SettingsError(stack, problems);
}

/**
 * What a stack's whole config says of the settings, as a tree. Keys of other projects and providers are left out, and so are
 * empty groups, for which the engine fills in the defaults of Pulumi.yaml. An empty group that does not exist is a mistake.
 */
export const settingsIn = (config: Record<string, string>): Tree =>
  Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith(`${project}:`))
      .map(([key, raw]) => [key.slice(project.length + 1), fromText(raw)] as const)
      .filter(([key, value]) => !settingAt(key) || !isTree(value) || Object.keys(value).length > 0),
  );

/** The settings of a stack from its whole config, as the engine gives it: `project:key` to text, objects as JSON. */
export const readSettings = (stack: string, config: Record<string, string>): Settings =>
  parseSettings(stack, settingsIn(config));

/** An object or list where the text is JSON of one, else the text. */
function fromText(raw: string): unknown {
  if (!/^\s*[{[]/.test(raw)) return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
