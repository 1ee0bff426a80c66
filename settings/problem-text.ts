/** The text of every message about an invalid setting, argument or option: the value, the rule, the fix. */
import { closest, distance } from "fastest-levenshtein";
import type { Problem } from "./check";
import { settingAt } from "./describe";

/** Instructions to change a setting, or to remove it if it must not be set. */
function remedy(stackName: string | undefined, { path, allowed, change }: Problem): string {
  if (change) return change;
  if (stackName === undefined)
    return `${allowed.startsWith("nothing") ? "Remove it from" : "Fix it in"} the argument of defineSettings`;
  const [file, stack] = [`Pulumi.${stackName}.yaml`, `--stack ${stackName}`];
  const setting = settingAt(path);
  if (!setting || allowed.startsWith("nothing"))
    return `Remove it from ${file} or run: pulumi config rm ${stack} --path '${path}'`;
  const [[child, item] = []] = setting.children;
  const ofItem = item?.group ? ".<setting>" : "";
  const key = setting.group
    ? ".<setting>"
    : child
      ? `${child.startsWith("[") ? "" : "."}${child}${ofItem}`
      : "";
  const values = [...setting.children.values()];
  // Pulumi rejects a plain value under such a name: https://www.pulumi.com/docs/iac/cli/commands/pulumi_config_set/
  const plain = !setting.secret && /pass|pwd|secret|token/i.test(path) ? " --plaintext" : "";
  return setting.secret && values.every(({ secret }) => secret)
    ? `Fix it: pulumi config set ${stack} --secret --path '${path}${key}' <value>`
    : `Fix it in ${file} or run: pulumi config set ${stack}${plain} --path '${path}${key}' <value>`;
}

/** A value that is rejected, and the rule that it breaks. */
export function invalid(name: string, was: unknown, allowed: string): string {
  const rule = allowed.startsWith("nothing")
    ? `must not be set${allowed.slice("nothing".length)}`
    : `must be ${allowed}`;
  // The value of a group that must not be set is omitted: it may contain secrets.
  if (was === undefined)
    return allowed.startsWith("nothing") ? `${name}: ${rule}` : `${name}: not set (${rule})`;
  return `${name}: invalid value ${JSON.stringify(was)} (${rule})`;
}

/** An unknown name, the most similar valid name, and all valid names. */
export function unknown(name: string, what: string, valid: string[]): string {
  const key = name.slice(name.lastIndexOf(".") + 1);
  const guess = valid.length
    ? closest(
        key.toLowerCase(),
        valid.map((one) => one.toLowerCase()),
      )
    : "";
  const meant = valid.find((one) => one.toLowerCase() === guess);
  const near = meant && distance(key.toLowerCase(), guess) <= Math.max(2, key.length / 3);
  return `${name}: unknown ${what}.${near ? ` Did you mean ${meant}?` : ""} Valid: ${valid.join(", ")}`;
}

/** A problem in two lines: the setting, its value and the rule; the fix. */
export function problemText(stack: string | undefined, problem: Problem): string {
  const { path, was, allowed, valid } = problem;
  const what = valid ? unknown(path, "setting", valid) : invalid(path, was, allowed);
  return `  ${what}\n    ${remedy(stack, problem)}`;
}

/** A valid setting that is too small for the load, in the same form. */
export const tooSmallText = (stack: string, problem: Problem): string =>
  `  ${problem.path}: ${JSON.stringify(problem.was)} is too small (needs ${problem.allowed})\n    ${remedy(stack, problem)}`;

/** An optional setting whose absence leaves something unknown, in the same form. */
export const undeclaredText = (stack: string, { path, allowed }: Omit<Problem, "was">): string =>
  `  ${path}: not set (${allowed})\n    ${remedy(stack, { path, was: undefined, allowed })}`;

/** A valid limit above the capacity of the stack, in the same form. */
export const tooLargeText = (stack: string, problem: Problem): string =>
  `  ${problem.path}: ${JSON.stringify(problem.was)} is too large (${problem.allowed})\n    ${remedy(stack, problem)}`;
