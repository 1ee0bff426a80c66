/** Traces: a span goes in by each protocol and is found by search (R4.3, R4.5). */
import { randomBytes } from "node:crypto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { gatewayUser, releases, services, tenants } from "../../names";
import { bodyOf } from "../service";
import { throughTunnel } from "../tunnel";
import { type Check, type Context, until } from "./check";
import { jaegerBatch } from "./jaeger";

const service = "obs-smoke";
const id = (size: number) => randomBytes(size).toString("hex");

/** Posts spans to a port of Alloy. */
const post = ({ config }: Context, port: number, path: string, contentType: string, body: string | Buffer) =>
  bodyOf(
    config,
    { ...services.otlpHttp, port },
    { method: "POST", path, headers: { "Content-Type": contentType }, body },
  );

/** Alloy's pods, at a port that may speak TLS. */
const alloy = {
  namespace: services.otlpHttp.namespace,
  selector: `app.kubernetes.io/instance=${releases.alloyTraces}`,
  served: "alloyTraces" as const,
};

/** Posts spans by OTLP. The API server's proxy would not verify a certificate, so it goes through a tunnel. */
const postOtlp = ({ config }: Context, body: string) =>
  throughTunnel(config, { ...alloy, port: services.otlpHttp.port }, async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(`Alloy answered ${answer.status}: ${(await answer.text()).trim()}`);
  });

/** Sends one failed span, which no sampling leaves out, by each protocol; the attribute `run` tells it. */
const senders: Record<string, (context: Context, run: string) => Promise<unknown>> = {
  "OTLP by gRPC": ({ config }, run) => {
    const target = { ...alloy, port: services.otlpGrpc.port, protocol: "h2" as const };
    return throughTunnel(config, target, async (local) => {
      const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${local}`, timeoutMillis: 20_000 });
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      const span = provider.getTracer(service).startSpan("smoke", { attributes: { run } });
      span.setStatus({ code: 2 });
      span.end();
      await provider.forceFlush();
      await provider.shutdown();
    });
  },
  "OTLP by HTTP": (context, run) => {
    const now = `${Date.now()}000000`;
    const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
    const span = {
      traceId: id(16),
      spanId: id(8),
      name: "smoke",
      kind: 2,
      startTimeUnixNano: now,
      endTimeUnixNano: now,
      attributes: [attribute("run", run)],
      status: { code: 2 },
    };
    const resource = { attributes: [attribute("service.name", service)] };
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
    return postOtlp(context, body);
  },
  "Jaeger's Thrift": (context, run) =>
    post(
      context,
      14268,
      "/api/traces",
      "application/x-thrift",
      jaegerBatch(service, "smoke", id(16), id(8), run),
    ),
  Zipkin: (context, run) => {
    const tags = { run, error: "true" };
    const span = {
      traceId: id(16),
      id: id(8),
      name: "smoke",
      timestamp: Date.now() * 1000,
      duration: 1000,
      localEndpoint: { serviceName: service },
      tags,
    };
    return post(context, 9411, "/api/v2/spans", "application/json", JSON.stringify([span]));
  },
};

/** Trace ids that a TraceQL query finds in the last quarter of an hour. */
export async function search(
  { config }: Pick<Context, "config">,
  query: string,
  limit = 20,
): Promise<string[]> {
  const end = Math.floor(Date.now() / 1000) + 60;
  const parameters = new URLSearchParams({
    q: query,
    start: `${end - 960}`,
    end: `${end}`,
    limit: `${limit}`,
  });
  const path = `/api/search?${parameters}`;
  const answer = await bodyOf(config, services.tempo, { path, as: gatewayUser(tenants.traces, "read") });
  return ((JSON.parse(answer).traces ?? []) as { traceID: string }[]).map(({ traceID }) => traceID);
}

export const traces: Check[] = Object.entries(senders).map(([protocol, send], index) => ({
  name: `a trace sent by ${protocol} is found by search`,
  async show(context) {
    const run = `${context.run}-${index}`;
    await send(context, run);
    const query = `{ span.run = "${run}" }`;
    const [found] = await until(90, `the trace of ${query}`, async () => {
      const ids = await search(context, query);
      return ids.length ? ids : undefined;
    });
    return `${query} gives trace ${found}`;
  },
}));
