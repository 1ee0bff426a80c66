/** Runs the program without an engine or a cluster and records every resource that it would register. */
import "../../lighten.cjs";
import * as pulumi from "@pulumi/pulumi";
import { readSettings } from "../../settings";

/** What the engine is told about a resource besides its inputs; other resources as `type::name`. */
export interface RecordedOptions {
  /** Whether it refuses to be deleted. */
  protect: boolean;
  /** What it is gone with, without a call to its provider. */
  deletedWith?: string;
  /** What it comes after, through its inputs or because it was said so. */
  dependencies: string[];
  /** Id of what is there already and is taken in instead of created. */
  import?: string;
}

/** A resource as the program registers it. */
export interface Recorded {
  /** Type token, such as `kubernetes:core/v1:Namespace`. */
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  options: RecordedOptions;
}

/** A stack output. */
export interface RecordedOutput {
  value: unknown;
  /** Whether the engine encrypts it and shows it only when asked. */
  secret: boolean;
}

/** All that a program tells its engine. */
export interface Recording {
  resources: Recorded[];
  outputs: Record<string, RecordedOutput>;
}

/** What stands where a generated secret will be. */
export const generated = "[generated]";

/** Outputs that a real provider would compute and the program reads; the engine makes these secret. */
const computed: Record<string, Record<string, unknown>> = {
  "random:index/randomPassword:RandomPassword": { result: pulumi.secret(generated) },
  "tls:index/privateKey:PrivateKey": { privateKeyPem: pulumi.secret(generated) },
  "tls:index/certRequest:CertRequest": { certRequestPem: "[request]" },
  "tls:index/selfSignedCert:SelfSignedCert": { certPem: "[certificate of the CA]" },
  "tls:index/locallySignedCert:LocallySignedCert": { certPem: "[certificate]" },
  "random:index/randomBytes:RandomBytes": { base64: pulumi.secret(generated) },
};

/** What a hub outputs for an agent, in the place of what its stack would say. */
function hubOutputs(stack: string, config: Record<string, string>) {
  const { cluster } = readSettings(stack, config);
  const host = (store: string) => `https://${store}.hub.invalid`;
  const own = {
    endpoints: { loki: host("loki"), mimir: host("mimir"), tempo: host("tempo") },
    grafanaUrl: "https://grafana.hub.invalid",
    passwords: { loki: generated, mimir: generated, tempo: generated },
  };
  return { outputs: { agents: { [cluster.name]: own } }, secretOutputNames: ["agents"] };
}

/** The engine's mark of a secret: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go */
const mark = "4dabf18193072939515e22adb298388d";

/** A value without the marks that say which of its parts are secret. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (mark in value) return plain((value as unknown as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

/** Whether a value, or anything in it, carries the mark. */
const hasMark = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  (mark in value || Object.values(value).some((child) => hasMark(child)));

/** `urn:pulumi:stack::project::parent$type::name` as `type::name`. */
const short = (urn: string): string => {
  const [, , types = "", name] = urn.split("::");
  return `${types.split("$").at(-1)}::${name}`;
};

/** The getters of the engine's request that tell the options. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getProtect(): boolean | undefined;
  getDeletedwith(): string;
  getDependenciesList(): string[];
  getImportid(): string;
}

const optionsOf = (request: RegisterRequest): RecordedOptions => ({
  protect: request.getProtect() ?? false,
  ...(request.getDeletedwith() && { deletedWith: short(request.getDeletedwith()) }),
  dependencies: request.getDependenciesList().map(short).sort(),
  ...(request.getImportid() && { import: request.getImportid() }),
});

/** A Pulumi program: it registers resources and gives the stack's outputs. */
export type Program = () => Promise<pulumi.Inputs>;

/** Mocks and config belong to the process: one recording comes after the other. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Everything the program registers for a stack, and its outputs. It can be called any number of times.
 *
 * @param config the stack's config as the engine would hand it over, `project:key` to text
 * @param program what to record. @default this project's own program
 */
export function recordProgram(
  stack: string,
  config: Record<string, string>,
  program?: Program,
): Promise<Recording> {
  const recording = last.then(() => recordNow(stack, config, program));
  last = recording.catch(() => undefined);
  return recording;
}

/** The resources alone. */
export const record = async (stack: string, config: Record<string, string>): Promise<Recorded[]> =>
  (await recordProgram(stack, config)).resources;

async function recordNow(
  stack: string,
  config: Record<string, string>,
  program?: Program,
): Promise<Recording> {
  const resources: Recorded[] = [];
  const options = new Map<string, RecordedOptions>();
  // The mocks come before the program: it looks for its engine when it is loaded.
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        if (type === "pulumi:pulumi:StackReference")
          return { id: name, state: { ...inputs, ...hubOutputs(stack, config) } };
        resources.push({
          type,
          name,
          inputs: plain(inputs) as Recorded["inputs"],
          options: options.get(`${type}::${name}`) ?? { protect: false, dependencies: [] },
        });
        return { id: `${name}-id`, state: { ...inputs, ...computed[type] } };
      },
      call: ({ inputs }) => inputs,
    },
    "observability",
    stack,
    true,
  );
  // Mocks are not told the options; the requests that reach them are.
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: RegisterRequest, callback: unknown): Promise<void>;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    options.set(`${request.getType()}::${request.getName()}`, optionsOf(request));
    return register(request, callback);
  };
  pulumi.runtime.setAllConfig(config);
  const recorded: Program = program ?? require("../../index");
  try {
    // As the engine gets them: secrets carry its mark.
    const outputs = await pulumi.runtime.serializeProperties("outputs", await recorded());
    return {
      resources,
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([key, value]) => [key, { value: plain(value), secret: hasMark(value) }]),
      ),
    };
  } finally {
    // Waits until all is registered.
    await pulumi.runtime.disconnect();
  }
}
