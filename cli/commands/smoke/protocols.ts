/** Sends a span to Alloy with each protocol that applications may use. */
import { randomBytes } from "node:crypto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { namespaces, releases, services } from "../../../names";
import type { Settings } from "../../../settings";
import { requestPod, successful, throughTunnel } from "../../lib/tunnel";
import type { Context } from "./check";
import { jaegerBatch } from "./jaeger";

type Sender = Pick<Context, "config" | "settings">;

const service = "obs-smoke";
const id = (size: number) => randomBytes(size).toString("hex");

/** Alloy's pods at one of its OTLP ports, which may speak TLS, or at a port of another protocol. */
const alloy = (settings: Settings, port: number) => ({
  namespace: namespaces(settings).alloyTraces,
  selector: `app.kubernetes.io/instance=${releases.alloyTraces}`,
  port,
});
const served = "alloyTraces" as const;

/** Posts spans. @throws if Alloy does not accept them */
async function post(
  { config }: Sender,
  target: Parameters<typeof requestPod>[1],
  path: string,
  body: string | Buffer,
): Promise<void> {
  const type = typeof body === "string" ? "application/json" : "application/x-thrift";
  const request = { method: "POST" as const, headers: { "content-type": type }, body };
  successful("Alloy", await requestPod(config, target, path, request));
}

/** Sends one failed span, which no sampling drops, with each protocol; the attribute `run` identifies it. */
export const senders: Record<string, (context: Sender, run: string) => Promise<unknown>> = {
  "OTLP by gRPC": ({ config, settings }, run) => {
    const { port } = services(settings).otlpGrpc;
    const target = { ...alloy(settings, port), served, protocol: "h2" as const };
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
    const { port } = services(context.settings).otlpHttp;
    return post(context, { ...alloy(context.settings, port), served }, "/v1/traces", body);
  },
  "Jaeger's Thrift": (context, run) => {
    const batch = jaegerBatch(service, "smoke", id(16), id(8), run);
    return post(context, alloy(context.settings, 14268), "/api/traces", batch);
  },
  Zipkin: (context, run) => {
    const span = {
      traceId: id(16),
      id: id(8),
      name: "smoke",
      timestamp: Date.now() * 1000,
      duration: 1000,
      localEndpoint: { serviceName: service },
      tags: { run, error: "true" },
    };
    return post(context, alloy(context.settings, 9411), "/api/v2/spans", JSON.stringify([span]));
  },
};
