/** Runs the program without an engine or a cluster, and records the resources that it registers. */
import "../../lighten.cjs";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { readSettings } from "../../settings";

/** A registered resource. */
export interface Recorded {
  /** Type token, such as `kubernetes:core/v1:Namespace`. */
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  options: ReturnType<typeof optionsOf>;
}

export interface Recording {
  resources: Recorded[];
  outputs: Record<string, { value: unknown; secret: boolean }>;
}

/** Placeholder of a generated secret. */
export const generated = "[generated]";

/** When recorded certificates expire. */
const expiry = "2100-01-01T00:00:00Z";

/** Outputs that a provider computes and the program reads. */
const computed: Record<string, Record<string, unknown>> = {
  "random:index/randomPassword:RandomPassword": { result: pulumi.secret(generated) },
  "tls:index/privateKey:PrivateKey": { privateKeyPem: pulumi.secret(generated) },
  "tls:index/certRequest:CertRequest": { certRequestPem: "[request]" },
  "tls:index/selfSignedCert:SelfSignedCert": { certPem: "[certificate of the CA]" },
  "tls:index/locallySignedCert:LocallySignedCert": { certPem: "[certificate]", validityEndTime: expiry },
  "random:index/randomBytes:RandomBytes": { base64: pulumi.secret(generated) },
};

/** Outputs of a hub for an agent, instead of those of its stack. */
function hubOutputs(stack: string, config: Record<string, string>) {
  const { cluster } = readSettings(stack, config);
  const host = (store: string) => `https://${store}.hub.invalid`;
  const own = {
    endpoints: { loki: host("loki"), mimir: host("mimir"), tempo: host("tempo") },
    grafanaUrl: "https://grafana.hub.invalid",
    passwords: { loki: generated, mimir: generated, tempo: generated },
    generation: 1,
    client: { certificate: "[certificate]", key: generated, expires: expiry },
  };
  return { outputs: { agents: { [cluster.name]: own } }, secretOutputNames: ["agents"] };
}

const { specialSigKey: mark, specialSecretSig } = pulumi.runtime;

/** A value without the marks of its secret parts. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (mark in value) return plain((value as unknown as { value: unknown }).value);
  // Keys are sorted, as the engine's messages have them.
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, plain(child)]));
}

/** `urn:pulumi:stack::project::parent$type::name` as `type::name`. */
const short = (urn: string): string => {
  const [, , types = "", name] = urn.split("::");
  return `${types.split("$").at(-1)}::${name}`;
};

/** Resource options; other resources are `type::name`. */
const optionsOf = (request: RegisterResourceRequest) => ({
  protect: request.getProtect() ?? false,
  deletedWith: request.getDeletedwith() && short(request.getDeletedwith()),
  /** Explicit dependencies, and those of its inputs. */
  dependencies: request.getDependenciesList().map(short).sort(),
  /** Inputs whose changes have no effect. */
  ignoreChanges: request.getIgnorechangesList(),
});

/** The protobuf message that carries a resource's properties, in the copy that Pulumi's SDK uses. */
const { Struct } = createRequire(require.resolve("@pulumi/pulumi"))(
  "google-protobuf/google/protobuf/struct_pb.js",
) as { Struct: { new (): object; fromJavaScript(value: object): object } };

/**
 * Leaves properties as they are while an action runs: the mocks are in this process, so nothing is sent. Messages of all
 * properties, each made and read twice, take a quarter of a recording's CPU time.
 */
async function withoutMessages<T>(action: () => Promise<T>): Promise<T> {
  const { fromJavaScript } = Struct;
  Struct.fromJavaScript = (value) => Object.assign(new Struct(), { toJavaScript: () => value });
  try {
    return await action();
  } finally {
    Struct.fromJavaScript = fromJavaScript;
  }
}

/** A Pulumi program: registers resources and returns the outputs. */
export type Program = () => Promise<pulumi.Inputs>;

/** Mocks and config are global to the process, so recordings run one after the other. */
let last: Promise<unknown> = Promise.resolve();

/** The resources and outputs of a stack. @param config `project:key` to text @param program @default this project's program */
export function recordProgram(
  stack: string,
  config: Record<string, string>,
  program?: Program,
): Promise<Recording> {
  const recording = last.then(() => withoutMessages(() => recordNow(stack, config, program)));
  last = recording.catch(() => undefined);
  return recording;
}

export const record = async (stack: string, config: Record<string, string>): Promise<Recorded[]> =>
  (await recordProgram(stack, config)).resources;

/** The resources of a stack, without the program's messages: for commands that also run it with Pulumi, which prints them. */
export async function recordQuietly(
  stack: string,
  config: Record<string, string>,
  program?: Program,
): Promise<Recorded[]> {
  const { info, warn } = pulumi.log;
  const quiet = async () => undefined;
  Object.assign(pulumi.log, { info: quiet, warn: quiet });
  try {
    return (await recordProgram(stack, config, program)).resources;
  } finally {
    Object.assign(pulumi.log, { info, warn });
  }
}

async function recordNow(
  stack: string,
  config: Record<string, string>,
  program?: Program,
): Promise<Recording> {
  const resources: Recorded[] = [];
  const options = new Map<string, Recorded["options"]>();
  // The program connects to its engine when it is loaded, so the mocks come first.
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        if (type === "pulumi:pulumi:StackReference")
          return { id: name, state: { ...inputs, ...hubOutputs(stack, config) } };
        resources.push({
          type,
          name,
          inputs: plain(inputs) as Recorded["inputs"],
          // A resource that is read has no options.
          options: options.get(`${type}::${name}`) ?? optionsOf(new RegisterResourceRequest()),
        });
        return { id: `${name}-id`, state: { ...inputs, ...computed[type] } };
      },
      call: ({ inputs }) => inputs,
    },
    "observability",
    stack,
    true,
  );
  // Mocks do not get the options; their requests have them.
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: RegisterResourceRequest, callback: unknown): Promise<void>;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    options.set(`${request.getType()}::${request.getName()}`, optionsOf(request));
    return register(request, callback);
  };
  pulumi.runtime.setAllConfig(config);
  const recorded: Program = program ?? require("../../index");
  try {
    // Serialized as for the engine, so that secrets are marked.
    const outputs = await pulumi.runtime.serializeProperties("outputs", await recorded());
    return {
      resources,
      outputs: Object.fromEntries(
        Object.entries(outputs).map(([key, value]) => [
          key,
          { value: plain(value), secret: JSON.stringify(value).includes(specialSecretSig) },
        ]),
      ),
    };
  } finally {
    // Waits for all registrations.
    await pulumi.runtime.disconnect();
  }
}
