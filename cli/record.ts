/** Runs the program without an engine or a cluster and records every resource that it would register. */
import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registers it. */
export interface Recorded {
  /** Type token, such as `kubernetes:core/v1:Namespace`. */
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** What stands where a generated secret will be. */
export const generated = "[generated]";

/** Outputs that a real provider would compute and the program reads. */
const computed: Record<string, Record<string, unknown>> = {
  "random:index/randomPassword:RandomPassword": { result: generated },
  "random:index/randomBytes:RandomBytes": { base64: generated },
};

/** The engine's mark of a secret: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go */
const mark = "4dabf18193072939515e22adb298388d";

/** A value without the marks that say which of its parts are secret. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (mark in value) return plain((value as unknown as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

/**
 * Everything the program registers for a stack.
 *
 * @param config the stack's config as the engine would hand it over, `project:key` to text
 */
export async function record(stack: string, config: Record<string, string>): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  // The mocks come before the program: it looks for its engine when it is loaded.
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        recorded.push({ type, name, inputs: plain(inputs) as Recorded["inputs"] });
        return { id: `${name}-id`, state: { ...inputs, ...computed[type] } };
      },
      call: ({ inputs }) => inputs,
    },
    "observability",
    stack,
    true,
  );
  pulumi.runtime.setAllConfig(config);
  const program: () => Promise<unknown> = require("../index");
  await program();
  await pulumi.runtime.disconnect();
  return recorded;
}
