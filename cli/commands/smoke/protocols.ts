/** Ways to send a span to Alloy: each protocol that applications may speak (R4.3). */
import { randomBytes } from "node:crypto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { namespaces, releases, services } from "../../../names";
import type { Settings } from "../../../settings";
import { bodyOf } from "../../lib/service";
import { throughTunnel } from "../../lib/tunnel";
import type { Context } from "./check";
import { jaegerBatch } from "./jaeger";

/** What sending needs. */
type Sender = Pick<Context, "config" | "settings">;

const service = "obs-smoke";
const id = (size: number) => randomBytes(size).toString("hex");

/** Posts spans to a port of Alloy. */
const post = (
  { config, settings }: Sender,
  port: number,
  path: string,
  contentType: string,
  body: string | Buffer,
) =>
  bodyOf(
    config,
    { ...services(settings).otlpHttp, port },
    { method: "POST", path, headers: { "Content-Type": contentType }, body },
  );

/** Alloy's pods, at a port that may speak TLS. */
const alloy = (settings: Settings) => ({
  namespace: namespaces(settings).alloyTraces,
  selector: `app.kubernetes.io/instance=${releases.alloyTraces}`,
  served: "alloyTraces" as const,
});

/** Posts spans by OTLP. The API server's proxy would not verify a certificate, so it goes through a tunnel. */
const postOtlp = ({ config, settings }: Sender, body: string) =>
  throughTunnel(config, { ...alloy(settings), port: services(settings).otlpHttp.port }, async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body,
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(`Alloy answered ${answer.status}: ${(await answer.text()).trim()}`);
  });

/** Sends one failed span, which no sampling leaves out, by each protocol; the attribute `run` tells it. */
export const senders: Record<string, (context: Sender, run: string) => Promise<unknown>> = {
  "OTLP by gRPC": ({ config, settings }, run) => {
    const target = { ...alloy(settings), port: services(settings).otlpGrpc.port, protocol: "h2" as const };
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
