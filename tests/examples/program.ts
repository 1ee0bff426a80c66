/**
 * The resources that the example's Pulumi program registers without an engine, with the outputs of an observability
 * stack.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { root } from "../../cli/lib/stack-config";

/** Folder of the example. */
export const folder = join(root, "examples", "random-backend");
const project = "random-backend";

// Tests read nested inputs, whose types say only that they are plain data.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

/** A resource as the program registers it. */
export interface Resource {
  type: string;
  name: string;
  inputs: Any;
}

export interface Example {
  resources: Resource[];
  outputs: Record<string, unknown>;
  /** Full name of the stack that it read. */
  platform: string;
  /** A resource, by the last part of its type and by its name. */
  find(kind: string, name: string): Any;
}

/** Placeholder for the generated password. */
export const generated = "[generated]";

/** Removes the engine's marks of a secret. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("4dabf18193072939515e22adb298388d" in value)
    return plain((value as unknown as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

const yaml = (file: string) => parse(readFileSync(join(folder, file), "utf8"));

/** The stack's configuration in the engine's form: the project's defaults, and the content of its file. */
function configOf(stack: "dev" | "prod", own: Record<string, string>): Record<string, string> {
  const defaults = Object.entries<{ default?: unknown }>(yaml("Pulumi.yaml").config)
    .filter(([, setting]) => setting.default !== undefined)
    .map(([key, setting]) => [`${project}:${key}`, setting.default]);
  const said = { ...Object.fromEntries(defaults), ...yaml(`Pulumi.${stack}.yaml`).config };
  for (const [key, value] of Object.entries(own)) said[`${project}:${key}`] = value;
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, String(value)]));
}

/**
 * @param stack the example's own stack
 * @param platform outputs of the observability stack
 * @param config the example's configuration, in addition to its files
 */
export async function exampleOf(
  stack: "dev" | "prod",
  platform: Record<string, unknown>,
  config: Record<string, string> = {},
): Promise<Example> {
  const resources: Resource[] = [];
  let read = "";
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        if (type === "pulumi:pulumi:StackReference") {
          read = inputs.name;
          return { id: name, state: { name: read, outputs: platform, secretOutputNames: [] } };
        }
        resources.push({ type, name, inputs: plain(inputs) });
        const computed = type.startsWith("random:") ? { result: pulumi.secret(generated) } : {};
        return { id: `${name}-id`, state: { ...inputs, ...computed } };
      },
      call: ({ inputs }) => inputs,
    },
    project,
    stack,
    true,
  );
  pulumi.runtime.setAllConfig(configOf(stack, config));
  // Modules run once when they are loaded, so they are loaded again for each stack.
  for (const path of Object.keys(require.cache)) if (path.startsWith(folder)) delete require.cache[path];
  const outputs = await pulumi.runtime.serializeProperties("outputs", require(folder));
  await pulumi.runtime.disconnect();
  return {
    resources,
    outputs,
    platform: read,
    find: (kind, name) => {
      const found = resources.find((each) => each.type.endsWith(`:${kind}`) && each.name === name);
      if (!found) throw new Error(`there is no ${kind} ${name}`);
      return found.inputs;
    },
  };
}
