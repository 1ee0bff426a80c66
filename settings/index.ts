/** From a stack's config to its settings: defaults of the environment, overridden key by key, checked at once. */
import { checks, type Problem } from "./checks";
import { dev } from "./dev";
import { prod } from "./prod";
import { type Settings, type SettingsInput, schema } from "./schema";

export type { Problem } from "./checks";
export type { Settings, SettingsInput, Workload } from "./schema";
export { schema } from "./schema";
export { Sensitive } from "./sensitive";

/** Name of the Pulumi project, the namespace of its config keys. */
export const project = "observability";

const profiles: Record<string, SettingsInput> = { dev, prod };

/** Everything that is wrong with a stack's settings, in one error. */
export class SettingsError extends Error {
  constructor(
    readonly stackName: string,
    readonly problems: Problem[],
  ) {
    const lines = problems.map(
      ({ path, was, allowed }) =>
        `  ${path}: is ${was === undefined ? "not set" : JSON.stringify(was)}; allowed: ${allowed}\n` +
        `    change it in Pulumi.${stackName}.yaml or with: pulumi config set --stack ${stackName} --path '${path}' <value>`,
    );
    const count = problems.length === 1 ? "1 setting is" : `${problems.length} settings are`;
    super(`${count} wrong; nothing was touched.\n${lines.join("\n")}`);
    this.name = "SettingsError";
  }
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** `over` laid on `base`, key by key; lists and plain values replace. */
function merge(base: unknown, over: unknown): unknown {
  if (!isTree(base) || !isTree(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      key in over ? (key in base ? merge(base[key], over[key]) : over[key]) : base[key],
    ]),
  );
}

const at = (tree: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((node, key) => (node as Tree | undefined)?.[key as string], tree);

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

/**
 * The settings of a stack.
 *
 * @param stack the stack's name, for messages
 * @param given what the stack's config says, by top-level key
 * @throws SettingsError with every problem, before anything else has happened
 */
export function parseSettings(stack: string, given: Tree): Settings {
  const profile = profiles[String(given["environment"])];
  if (!profile) {
    const allowed = `one of ${Object.keys(profiles).join(", ")}`;
    throw new SettingsError(stack, [{ path: "environment", was: given["environment"], allowed }]);
  }
  const wanted = merge(profile, given);
  const result = schema.safeParse(wanted);
  if (result.success) return refuse(stack, [], result.data);

  const problems: Problem[] = result.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      const known = Object.keys((at(profile, issue.path) as Tree | undefined) ?? {}).join(", ");
      return issue.keys.map((key) => ({
        path: written([...issue.path, key]),
        was: at(wanted, [...issue.path, key]),
        allowed: `nothing, there is no such setting${known ? `; there are ${known}` : ""}`,
      }));
    }
    const isSecret = issue.code === "custom" && issue.params?.["secret"];
    const was = at(wanted, issue.path);
    return [
      {
        path: written(issue.path),
        was: isSecret && was !== undefined ? "[secret]" : was,
        allowed: issue.message,
      },
    ];
  });
  // With the wrong ones back at their defaults the rest can still be checked, so that one run tells everything.
  const mended = result.error.issues
    .flatMap((issue) =>
      issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path],
    )
    .reduce<unknown>((tree, path) => reset(tree, profile, path), wanted);
  const rest = schema.safeParse(mended);
  if (!rest.success) throw new SettingsError(stack, problems);
  return refuse(stack, problems, rest.data);
}

function refuse(stack: string, problems: Problem[], settings: Settings): Settings {
  const known = new Set(problems.map(({ path }) => path));
  const all = [
    ...problems,
    ...checks.flatMap((check) => check(settings)).filter(({ path }) => !known.has(path)),
  ];
  if (all.length) throw new SettingsError(stack, all);
  return settings;
}

/**
 * The settings of a stack from its whole config, as the engine gives it: `project:key` to text, objects as JSON.
 * Keys of other projects and providers are left alone.
 */
export function readSettings(stack: string, config: Record<string, string>): Settings {
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${project}:`));
  return parseSettings(
    stack,
    Object.fromEntries(own.map(([key, raw]) => [key.slice(project.length + 1), fromText(raw)])),
  );
}

/** An object or list where the text is JSON of one, else the text. */
function fromText(raw: string): unknown {
  if (!/^\s*[{[]/.test(raw)) return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
