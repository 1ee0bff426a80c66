/** The policy pack's arguments for Pulumi, and its config of a stack. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configProblems, type PackConfig } from "../../policies/config";
import type { Environment } from "../../policies/rule";
import { rules } from "../../policies/rules";
import { UserError } from "../../settings";
import { root } from "./stack-config";

const packConfigFile = (stack: string): string => join(root, "policies", "config", `${stack}.json`);

/** A stack's config of the pack. @throws UserError if the file is not valid JSON, or has an unknown rule, level or parameter */
export function packConfig(stack: string): PackConfig {
  const file = packConfigFile(stack);
  if (!existsSync(file)) return {};
  const wrong = (problem: string) => new UserError(`policies/config/${stack}.json: ${problem}`);
  let config: PackConfig;
  try {
    config = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(`not valid JSON: ${(error as Error).message}`);
  }
  const problems = configProblems(rules, config);
  if (problems.length) throw wrong(problems.join("\n  "));
  return config;
}

/** Arguments with which Pulumi runs the pack. @param wanted @default true for a prod stack @throws as packConfig does */
export function packArguments(
  stack: string,
  environment: Environment,
  wanted: boolean | undefined,
): string[] {
  if (!(wanted ?? environment === "prod")) return [];
  const config = Object.keys(packConfig(stack)).length ? ["--policy-pack-config", packConfigFile(stack)] : [];
  return ["--policy-pack", join(root, "policies"), ...config];
}
