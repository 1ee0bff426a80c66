/** Stacks for unit tests: their settings, and the resources that the program registers for them. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type Recording, recordProgram } from "../../cli/lib/record";
import { parseSettings, type Settings, SettingsError } from "../../settings";

/** A stack's configuration in addition to its environment, by top-level key. */
export type Config = Record<string, unknown>;
export type Environment = "dev" | "prod";

/** Content of the project's own Pulumi.<stack>.yaml. */
export const shipped = (environment: Environment): Config => {
  const { config } = parse(readFileSync(`Pulumi.${environment}.yaml`, "utf8")) as { config: Config };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("observability:", ""), value]),
  );
};

/** The same with real addresses instead of examples, which the program requires before it changes a cluster. */
export const ready = (environment: Environment): Config =>
  JSON.parse(JSON.stringify(shipped(environment)).replaceAll("example.com", "stack.test"));

/** The settings of a stack. */
export const settingsOf = (environment: Environment, config: Config = {}): Settings =>
  parseSettings("test", { ...shipped(environment), ...config });

/** The errors in a stack's settings. */
export function errorOf(settings: () => unknown): SettingsError {
  try {
    settings();
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("the settings are accepted");
}

/** A stack's configuration in the engine's form: objects as JSON. */
export const asText = (environment: Environment, config: Config = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...shipped(environment), ...config }).map(([key, value]) => [
      `observability:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );

/** The result of an action without `OBS_CHARTS` in the environment, which overrides every setting. */
export async function withoutMirror<T>(action: () => T | Promise<T>): Promise<T> {
  const mirror = process.env["OBS_CHARTS"];
  delete process.env["OBS_CHARTS"];
  try {
    return await action();
  } finally {
    if (mirror !== undefined) process.env["OBS_CHARTS"] = mirror;
  }
}

const recordings = new Map<string, Promise<Recording>>();
// One after the other, because the environment belongs to the process.
let last: Promise<unknown> = Promise.resolve();

/**
 * The resources that the program registers for a stack, with charts from their official repositories; each stack is
 * recorded once.
 */
export function recordingOf(environment: Environment, config: Config = {}): Promise<Recording> {
  const text = asText(environment, config);
  const key = JSON.stringify(text);
  const known = recordings.get(key) ?? last.then(() => withoutMirror(() => recordProgram("test", text)));
  recordings.set(key, known);
  last = known.catch(() => undefined);
  return known;
}

/** An existing S3, with credentials for all users. */
export const externalS3 = {
  endpoint: "s3.example.com:443",
  region: "eu-west-3",
  tls: true,
  pathStyle: false,
  loki: { accessKey: "loki-access", secretKey: "loki-secret-of-the-user" },
  mimir: { accessKey: "mimir-access", secretKey: "mimir-secret-of-the-user" },
  tempo: { accessKey: "tempo-access", secretKey: "tempo-secret-of-the-user" },
};

/** Scheduled backups to another S3. */
export const backedUp = {
  backups: {
    destination: {
      provider: "AWS",
      endpoint: "https://s3.eu-west-3.amazonaws.com",
      region: "eu-west-3",
      bucket: "copies",
      prefix: "observability",
      accessKey: "copier-access",
      secretKey: "copier-secret",
      password: "password-of-the-copy",
    },
  },
};

/** An S3 that identifies its clients by their ServiceAccounts. */
export const identityS3 = {
  kind: "external",
  external: {
    endpoint: "s3.eu-west-3.amazonaws.com",
    region: "eu-west-3",
    tls: true,
    pathStyle: false,
    credentials: "identity",
    roles: {
      loki: "arn:aws:iam::123456789012:role/loki",
      mimir: "arn:aws:iam::123456789012:role/mimir",
    },
  },
} as const;

/** Google Cloud Storage. */
export const gcsStorage = { kind: "gcs", gcs: { loki: "loki@project.iam.gserviceaccount.com" } } as const;

/** Azure Blob Storage. */
export const azureStorage = {
  kind: "azure",
  azure: {
    account: "observability",
    loki: "11111111-1111-1111-1111-111111111111",
    mimir: "22222222-2222-2222-2222-222222222222",
    tempo: "33333333-3333-3333-3333-333333333333",
  },
} as const;

/** Optional parts of a stack: policies in dev, vertical autoscaling and backups. */
const everything = { ...backedUp, network: { policies: true }, scaling: { ingesters: "auto" } };

/** The kinds of stacks, each with as many objects as possible. */
export const shapes = {
  dev: { environment: "dev", ...everything },
  prod: { environment: "prod", ...everything },
  hub: {
    environment: "prod",
    access: { ingress: { domain: "hub.stack.test", className: "nginx", tlsSecret: "gateway-tls" } },
    network: { policies: true, ingressNamespaces: ["ingress-nginx"] },
    agents: {
      "eu-1": {},
      "us-1": { mimir: { series: 500_000, retention: "90d" } },
      "ap-1": { removed: "deleteData" },
    },
  },
  agent: {
    environment: "prod",
    cluster: { name: "eu-1", zones: false },
    hub: { stack: "organization/observability/prod" },
    // Pulumi.prod.yaml's settings of Grafana belong to the hub.
    grafana: undefined,
  },
} as const satisfies Record<string, Config>;
