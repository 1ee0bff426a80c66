/** Levels and parameters of the rules: defaults for each environment, and overrides from the pack's config. */
import { invalid, unknown } from "../settings/problem-text";
import { type Context, type Environment, type Level, levels, type Rule, type Tree } from "./rule";

/**
 * The pack's config, in the format of Pulumi's `--policy-pack-config`: for a rule, or for `all`, a level, or
 * an object with `enforcementLevel` and the rule's parameters.
 */
export type PackConfig = Record<string, string | Tree>;

const isLevel = (value: unknown): value is Level => levels.includes(value as Level);

/** Default parameters of a rule. */
const defaultsOf = ({ config = {} }: Rule): Tree =>
  Object.fromEntries(Object.entries(config).map(([name, parameter]) => [name, parameter.default]));

/** A rule's level in a stack. */
export function levelOf(rule: Rule, environment: Environment, config: PackConfig = {}): Level {
  const said = [config[rule.id], config["all"]]
    .map((entry) => (typeof entry === "string" ? entry : entry?.["enforcementLevel"]))
    .find(isLevel);
  return said ?? rule.level[environment];
}

/** The context of a rule in a stack. */
export function contextOf(
  rule: Rule,
  environment: Environment,
  config: PackConfig = {},
  mirror: string | undefined = undefined,
): Context {
  const entry = config[rule.id];
  const parameters = typeof entry === "object" ? entry : {};
  return { environment, mirror, config: { ...defaultsOf(rule), ...parameters } };
}

/**
 * The errors in a config, one line each.
 *
 * @param known all rules
 */
export function configProblems(known: Rule[], config: PackConfig): string[] {
  return Object.entries(config).flatMap(([id, entry]) => {
    const rule = known.find((one) => one.id === id);
    if (!rule && id !== "all") return [unknown(id, "policy", ["all", ...known.map((one) => one.id)])];
    const { enforcementLevel, ...parameters } =
      typeof entry === "string" ? { enforcementLevel: entry } : (entry as Tree);
    const others = Object.keys(parameters).filter((name) => !(name in (rule?.config ?? {})));
    return [
      ...(enforcementLevel === undefined || isLevel(enforcementLevel)
        ? []
        : [invalid(id, enforcementLevel, `one of ${levels.join(", ")}`)]),
      ...others.map((name) => {
        const has = Object.keys(rule?.config ?? {});
        return unknown(`${id}.${name}`, "parameter", ["enforcementLevel", ...has]);
      }),
    ];
  });
}
