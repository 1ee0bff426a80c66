/** A stack's config file, `Pulumi.<stack>.yaml`, as the engine passes it to the program. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { UserError } from "../../settings";

/** The nearest folder, from this one upwards, that has a file of that name. */
const folderWith = (file: string, folder: string): string =>
  existsSync(join(folder, file)) ? folder : folderWith(file, dirname(folder));

/** The project's folder. In a bundle, this file is elsewhere in it. */
export const root = folderWith("Pulumi.yaml", __dirname);

/** Path of a stack's config file. */
export const configFile = (stack: string): string => join(root, `Pulumi.${stack}.yaml`);

/** Placeholder of an encrypted value. */
const encrypted = "[secret]";

/** A value as JSON, without encrypted parts. */
const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_, part) =>
    typeof part === "object" && part !== null && "secure" in part ? encrypted : part,
  );

/** @throws UserError with the line if the file is not valid YAML */
function parsed(file: string): { config?: Record<string, unknown> } | null {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new UserError(`${basename(file)} is not valid YAML: ${error.message}`);
  }
}

/** A stack's config as `project:key` to text, objects as JSON. @throws UserError if there is no such file */
export function fileConfig(stack: string): Record<string, string> {
  const file = configFile(stack);
  if (!existsSync(file))
    throw new UserError(
      `Pulumi.${stack}.yaml does not exist. Create it with "config:" and, indented below it, "observability:environment: dev" (or prod)`,
    );
  const config: Record<string, unknown> = parsed(file)?.config ?? {};
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      const json = jsonOf(value);
      return [key, json.startsWith('"') ? JSON.parse(json) : json];
    }),
  );
}
