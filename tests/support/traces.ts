/** A real Tempo and real Alloys with the program's own configuration on loopback, and spans to send to them. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BasicTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { stringify } from "yaml";
import { gatewayUser, tenants } from "../../names";
import type { Settings } from "../../settings";
import { alloyTracesEnvironment, alloyTracesPipeline, alloyTracesValues } from "../../values/alloy-traces";
import { credentialKeys, gatewayClients } from "../../values/gateway";
import { tempoValues } from "../../values/tempo";
import { storage } from "../../values/tempo-configuration";
import type { Gateway } from "./gateway";
import type { Answer } from "./mimir";
import { urls } from "./names";
import type { Labels } from "./remote-write";
import { freePort, Server } from "./servers";

export interface Span {
  trace: string;
  id: string;
  parent?: string;
  service: string;
  name: string;
  kind: "client" | "server";
  /** Its duration in seconds; it ended when it was sent, or `ago`. */
  seconds: number;
  /** Seconds between its end and the send. @default 0 */
  ago?: number;
  failed?: boolean;
  attributes?: Labels;
}

/** Both ends of a request between two services. */
export interface Request {
  trace: string;
  client: Span;
  server: Span;
}

export interface RequestOptions extends Partial<Pick<Span, "seconds" | "failed" | "attributes">> {
  from?: string;
  to?: string;
}

/** Requests with constant IDs; the attribute `case` of their spans distinguishes them from others. */
export const requestsOf = (
  name: string,
  count: number,
  { from = "shop", to = "cart", seconds = 0.02, ...options }: RequestOptions = {},
): Request[] =>
  Array.from({ length: count }, (_, index) => {
    const id = createHash("sha256").update(`${name} ${index}`).digest("hex");
    const [trace, client, server] = [id.slice(0, 32), id.slice(32, 48), id.slice(48)];
    const all = {
      ...options,
      trace,
      name: "GET /cart",
      seconds,
      attributes: { ...options.attributes, case: name },
    };
    return {
      trace,
      client: { ...all, id: client, service: from, kind: "client" },
      server: { ...all, id: server, parent: client, service: to, kind: "server" },
    };
  });

/** The requests whose spans an SDK with this sampler sends, named as in OpenTelemetry's environment variables. */
export function sampled(requests: Request[], sampler: { type: string; argument: string }): Request[] {
  if (sampler.type !== "parentbased_traceidratio")
    throw new Error(`there is no sampler ${sampler.type} here`);
  let trace = "";
  const provider = new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(Number(sampler.argument)) }),
    idGenerator: { generateTraceId: () => trace, generateSpanId: () => "0123456789abcdef" },
  });
  const tracer = provider.getTracer("test");
  return requests.filter((request) => {
    trace = request.trace;
    return tracer.startSpan(request.client.name).isRecording();
  });
}

/** Sends spans with OTLP over HTTP, a thousand at once. @throws if a push is rejected */
export async function send(url: string, spans: Span[]): Promise<void> {
  for (let from = 0; from < spans.length; from += 1000) {
    const { status, body } = await push(url, spans.slice(from, from + 1000));
    if (status !== 200) throw new Error(`${url}: ${status} ${body}`);
  }
}

/** Spans as an OTLP push in JSON. */
export function otlp(spans: Span[]): { resourceSpans: object[] } {
  const now = Date.now();
  const nanoseconds = ({ ago = 0 }: Span, before: number) => `${now - (ago + before) * 1000}000000`;
  const attributes = (values: Labels) =>
    Object.entries(values).map(([key, value]) => ({ key, value: { stringValue: value } }));
  const services = new Set(spans.map(({ service }) => service));
  const resourceSpans = [...services].map((service) => ({
    resource: { attributes: attributes({ "service.name": service, "service.namespace": "test" }) },
    scopeSpans: [
      {
        spans: spans
          .filter((span) => span.service === service)
          .map((span) => ({
            traceId: span.trace,
            spanId: span.id,
            parentSpanId: span.parent,
            name: span.name,
            kind: span.kind === "server" ? 2 : 3,
            startTimeUnixNano: nanoseconds(span, span.seconds),
            endTimeUnixNano: nanoseconds(span, 0),
            attributes: attributes(span.attributes ?? {}),
            status: span.failed ? { code: 2 } : {},
          })),
      },
    ],
  }));
  return { resourceSpans };
}

/** Sends spans with OTLP over HTTP in a single push. */
export async function push(url: string, spans: Span[], headers: Labels = {}): Promise<Answer> {
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(otlp(spans)),
  });
  return { status: response.status, body: await response.text() };
}

/** A program's own counter: the sum over the series with these labels. */
export async function counted(url: string, name: string, labels: Labels = {}): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** The parts of Tempo's values that its configuration uses without changes. */
interface TempoParts {
  multitenancyEnabled: boolean;
  reportingEnabled: boolean;
  server: object;
  tempo: {
    structuredConfig: { distributor: object; query_frontend: object; storage: { trace: { wal: object } } };
  };
  distributor: { config: object };
  overrides: object;
  per_tenant_overrides: object;
  compactor: { config: object };
  metricsGenerator: {
    config: {
      registry: object;
      processor: object;
      storage: { remote_write: { url: string; basic_auth: { username: string } }[] };
    };
  };
}

/** A Tempo with all components in one process and files for S3. */
export class Tempo {
  private server: Server | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    readonly url: string,
    /** OTLP over HTTP. */
    readonly http: string,
    private readonly environment?: Record<string, string>,
  ) {}

  /**
   * Starts it in a folder, which keeps its data.
   *
   * @param mimir gateway for its generated metrics, if any
   * @param slack maximum difference of a span's time from now; a search of a block does not find others
   * @param cloud environment in which it uses the object storage of the settings, instead of its folder
   */
  static async start(
    program: string,
    folder: string,
    settings: Settings,
    mimir?: Gateway,
    slack?: string,
    cloud?: Record<string, string>,
  ): Promise<Tempo> {
    mkdirSync(folder, { recursive: true });
    const values = tempoValues(settings) as unknown as TempoParts;
    const { config: generator } = values.metricsGenerator;
    const [api, inner, grpc, http] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const config = {
      multitenancy_enabled: values.multitenancyEnabled,
      usage_report: { reporting_enabled: values.reportingEnabled },
      server: {
        ...values.server,
        http_listen_address: "127.0.0.1",
        http_listen_port: api,
        grpc_listen_address: "127.0.0.1",
        grpc_listen_port: inner,
        log_level: "warn",
      },
      memberlist: { bind_addr: ["127.0.0.1"], bind_port: await freePort() },
      distributor: {
        ...values.distributor.config,
        ...values.tempo.structuredConfig.distributor,
        receivers: {
          otlp: {
            protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` }, http: { endpoint: `127.0.0.1:${http}` } },
          },
        },
      },
      ingester: {
        lifecycler: { min_ready_duration: "0s", final_sleep: "0s" },
        // Searches find a trace after it has been idle.
        trace_idle_period: "1s",
        flush_check_period: "1s",
      },
      query_frontend: values.tempo.structuredConfig.query_frontend,
      compactor: values.compactor.config,
      metrics_generator: {
        ...generator,
        storage: {
          ...generator.storage,
          path: "generator",
          remote_write: mimir
            ? generator.storage.remote_write.map((one) => ({
                ...one,
                url: one.url.replace(urls.mimir, mimir.url),
                basic_auth: {
                  ...one.basic_auth,
                  password_file: mimir.passwordFile(one.basic_auth.username),
                },
              }))
            : [],
        },
        traces_storage: { path: "generator-traces" },
      },
      storage: {
        trace: {
          ...(cloud
            ? (storage(settings)["trace"] as object)
            : { backend: "local", local: { path: "blocks" } }),
          wal: {
            path: "wal",
            ...values.tempo.structuredConfig.storage.trace.wal,
            ...(slack && { ingestion_time_range_slack: slack }),
          },
          blocklist_poll: "5s",
        },
      },
      overrides: { ...values.overrides, per_tenant_override_config: "overrides.yaml" },
    };
    writeFileSync(join(folder, "tempo.yaml"), stringify(config));
    writeFileSync(join(folder, "overrides.yaml"), stringify({ overrides: values.per_tenant_overrides }));
    const [url, otlp] = [`http://127.0.0.1:${api}`, `http://127.0.0.1:${http}`];
    const tempo = new Tempo(program, folder, url, otlp, cloud);
    await tempo.run();
    return tempo;
  }

  /** Starts it again with its data, on the same ports. */
  async run(): Promise<void> {
    this.server = await Server.start(this.program, ["-target=all", "-config.file=tempo.yaml"], {
      folder: this.folder,
      environment: this.environment ?? {},
      ready: async () => (await fetch(`${this.url}/ready`)).ok,
    });
  }

  /** Stops it: in order, which takes seconds for each tenant, or at once. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.server?.stop(signal);
  }

  /** Addresses of the Services behind a gateway. */
  readonly at = (target: string): string => new URL(target.endsWith(":4318") ? this.http : this.url).host;

  /** A request, optionally for a tenant. */
  async ask(tenant: string | undefined, path: string): Promise<Answer> {
    const headers: Labels = tenant ? { "X-Scope-OrgID": tenant } : {};
    const response = await fetch(`${this.url}${path}`, { headers });
    return { status: response.status, body: await response.text() };
  }

  /** IDs of all traces of the last quarter of an hour that a TraceQL query returns, each once. */
  async search(tenant: string, query: string): Promise<string[]> {
    const now = Math.floor(Date.now() / 1000);
    const range = { start: `${now - 900}`, end: `${now + 60}`, limit: "20000", spss: "1" };
    const { status, body } = await this.ask(
      tenant,
      `/api/search?${new URLSearchParams({ q: query, ...range })}`,
    );
    if (status !== 200) throw new Error(`${query}: ${status} ${body}`);
    const traces = (JSON.parse(body).traces ?? []) as { traceID: string }[];
    return [...new Set(traces.map(({ traceID }) => traceID.padStart(32, "0")))];
  }
}

/** One of several Alloys. */
export interface Replica {
  server: Server;
  /** URL of its own state and metrics. */
  url: string;
  /** Its loopback ports, by the port in the cluster. */
  ports: Record<string, number>;
  /** OTLP over HTTP, from applications. */
  http: string;
  /** OTLP over gRPC, from applications. */
  grpc: string;
  /** Starts it again with its volume, on the same ports. */
  restart: () => Promise<void>;
}

/** Stability level at which the chart runs the pipeline. */
export const stability = (settings: Settings): string => {
  const { stabilityLevel } = alloyTracesValues(settings)["alloy"] as { stabilityLevel?: string };
  return `--stability.level=${stabilityLevel ?? "generally-available"}`;
};

/**
 * Alloys with the pipeline of the settings, behind each other's load balancer. Only the cluster's inputs are replaced:
 * addresses, the names of the replicas, and metadata of pods.
 *
 * @param environment differences from the settings: addresses of Tempo and Mimir
 */
export async function startReplicas(
  program: string,
  folder: string,
  settings: Settings,
  environment: Record<string, string>,
): Promise<Replica[]> {
  mkdirSync(folder, { recursive: true });
  // Passwords of the gateways that a test does not start.
  const unused = join(folder, "passwords");
  mkdirSync(unused, { recursive: true });
  for (const [store, user] of gatewayClients(settings).alloyTraces)
    writeFileSync(join(unused, credentialKeys(store, user).password), "unused", { mode: 0o600 });
  const pipeline = alloyTracesPipeline(settings);
  const ports = new Set([...pipeline.matchAll(/(?:0\.0\.0\.0|\[::\]):(\d+)/g)].map(([, port]) => port ?? ""));
  const names = Array.from({ length: settings.alloyTraces.replicas }, (_, index) => `replica-${index}`);
  const listening = await Promise.all(
    names.map(async (name) => {
      const own: Record<string, number> = {};
      for (const port of [...ports, "api"]) own[port] = await freePort();
      return { name, own };
    }),
  );
  const hosts = JSON.stringify(listening.map(({ own }) => `127.0.0.1:${own["4319"]}`));
  return Promise.all(
    listening.map(async ({ name, own }) => {
      const file = join(folder, `${name}.alloy`);
      const replaced = pipeline
        .replace(/0\.0\.0\.0:(\d+)/g, (_, port) => `127.0.0.1:${own[port]}`)
        .replace(/\[::\]:(\d+)/g, (_, port) => `[::]:${own[port]}`)
        .replace(/dns \{[^}]*\}/, `static { hostnames = ${hosts} }`)
        .replace(/(k8sattributes "apps" \{)/, "$1\n\tpassthrough = true");
      writeFileSync(file, replaced);
      const url = `http://127.0.0.1:${own["api"]}`;
      const storage = join(folder, name);
      const run = () =>
        Server.start(
          program,
          [
            "run",
            file,
            stability(settings),
            "--disable-reporting",
            `--storage.path=${storage}`,
            `--server.http.listen-addr=127.0.0.1:${own["api"]}`,
          ],
          {
            environment: {
              ...alloyTracesEnvironment(settings),
              POD_NAME: name,
              STORAGE: storage,
              PASSWORDS: unused,
              LOKI_PASSWORD_FILE: join(
                unused,
                credentialKeys("loki", gatewayUser(tenants.logs, "write")).password,
              ),
              ...environment,
            },
            ready: async () => (await fetch(`${url}/-/ready`)).ok,
          },
        );
      const replica: Replica = {
        server: await run(),
        url,
        ports: own,
        http: `http://127.0.0.1:${own["4318"]}`,
        grpc: `http://127.0.0.1:${own["4317"]}`,
        restart: async () => {
          replica.server = await run();
        },
      };
      return replica;
    }),
  );
}
