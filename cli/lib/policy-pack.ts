/** How Pulumi is told to run the pack, and what a stack configures of it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configProblems, type PackConfig } from "../../policies/config";
import type { Environment } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { UserError } from "../../settings";
import { root } from "./stack-config";

/** Path of a stack's config of the pack, where it has one. */
const packConfigFile = (stack: string): string => join(root, "policies", "config", `${stack}.json`);

/**
 * A stack's config of the pack.
 *
 * @throws UserError where the file is no JSON, or names a rule, level or parameter that there is not
 */
export function packConfig(stack: string): PackConfig {
  const file = packConfigFile(stack);
  if (!existsSync(file)) return {};
  const wrong = (problem: string) => new UserError(`policies/config/${stack}.json: ${problem}`);
  let config: PackConfig;
  try {
    config = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(`is no JSON: ${(error as Error).message}`);
  }
  const problems = configProblems(rules, config);
  if (problems.length) throw wrong(problems.join("\n  "));
  return config;
}

/**
 * Arguments by which Pulumi runs the pack.
 *
 * @param wanted as the options say; undefined where they say nothing: then a prod stack is held to it, a dev stack is not
 * @throws as `packConfig` does, before Pulumi starts
 */
export function packArguments(
  stack: string,
  environment: Environment,
  wanted: boolean | undefined,
): string[] {
  if (!(wanted ?? environment === "prod")) return [];
  const config = Object.keys(packConfig(stack)).length ? ["--policy-pack-config", packConfigFile(stack)] : [];
  return ["--policy-pack", join(root, "policies"), ...config];
}
