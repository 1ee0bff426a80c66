/** What is wrong with a setting, in the words of every message about settings. */
import type { Problem } from "./check";
import { settingAt } from "./describe";

/** How a setting is changed, or taken out where nothing is allowed. */
function remedy(stackName: string, { path, allowed, change }: Problem): string {
  if (change) return change;
  const [file, stack] = [`Pulumi.${stackName}.yaml`, `--stack ${stackName}`];
  const setting = settingAt(path);
  if (!setting || allowed.startsWith("nothing"))
    return `take it out of ${file} or with: pulumi config rm ${stack} --path '${path}'`;
  const [[child, item] = []] = setting.children;
  const ofItem = item?.group ? ".<setting>" : "";
  const key = setting.group
    ? ".<setting>"
    : child
      ? `${child.startsWith("[") ? "" : "."}${child}${ofItem}`
      : "";
  const values = [...setting.children.values()];
  return setting.secret && values.every(({ secret }) => secret)
    ? `change it with: pulumi config set ${stack} --secret --path '${path}${key}' <value>`
    : `change it in ${file} or with: pulumi config set ${stack} --path '${path}${key}' <value>`;
}

/**
 * A problem as people read it, in two lines: the setting, what it is, what it should be; and how to change it.
 *
 * @param stack name of the stack that the setting belongs to
 * @param verb `allowed` where the setting is refused, `needs` where it is only warned about
 */
export function problemText(stack: string, problem: Problem, verb: "allowed" | "needs" = "allowed"): string {
  const { path, was, allowed } = problem;
  const is = was === undefined ? "not set" : JSON.stringify(was);
  return `  ${path}: is ${is}; ${verb}: ${allowed}\n    ${remedy(stack, problem)}`;
}
