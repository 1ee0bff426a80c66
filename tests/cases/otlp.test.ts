/** OTLP as other people's SDKs, meshes, browsers and collectors send it, through a real Alloy into real stores. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect } from "chai";
import { until } from "../../cli/smoke/check";
import { gatewayUser, type Store, tenants } from "../../names";
import { Gateway, needsNginx } from "../support/gateway";
import { Mimir } from "../support/mimir";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { type Replica, startReplicas, Tempo } from "../support/traces";

const origin = "https://shop.example.com";
const settings = settingsOf("dev", {
  cluster: { name: "test" },
  tracing: { sampling: { ratio: 0.1 } },
  otlp: { cors: { allowedOrigins: [origin, "https://*.example.org"] } },
});

type Attributes = Record<string, string | number>;
const attributesOf = (values: Attributes) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { doubleValue: value } : { stringValue: value },
  }));

/** What the pod of a source is, as k8sattributes knows it in a cluster. */
const pod = (name: string, more: Attributes = {}): Attributes => ({
  "k8s.namespace.name": "shop",
  "k8s.pod.name": `${name}-0`,
  ...more,
});

describe("cases: OTLP of others", function () {
  this.timeout(300_000);
  let folder: string;
  let alloy: Replica;
  let tempo: Tempo;
  let mimir: Mimir;
  const stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    const [program = "", tempoProgram = "", mimirProgram = ""] = needs(this, "alloy", "tempo", "mimir");
    needsNginx(this);
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), "observability-otlp-"));
    const gateway = async (store: Store, at: (target: string) => string) => {
      const one = await Gateway.start(join(folder, `${store}-gateway`), { store, settings, at });
      stops.push(() => one.stop());
      return one;
    };
    mimir = await Mimir.start(mimirProgram, join(folder, "mimir"), settings);
    stops.push(() => mimir.stop("SIGKILL"));
    const toMimir = await gateway("mimir", () => new URL(mimir.url).host);
    tempo = await Tempo.start(tempoProgram, join(folder, "tempo"), settings, toMimir);
    stops.push(() => tempo.stop("SIGKILL"));
    const toTempo = await gateway("tempo", tempo.at);
    const [replica] = await startReplicas(program, join(folder, "alloy"), settings, {
      TEMPO_URL: toTempo.url,
      TEMPO_PASSWORD_FILE: toTempo.passwordFile(gatewayUser(tenants.traces, "write")),
    });
    if (!replica) throw new Error("no replica of Alloy runs");
    alloy = replica;
    stops.push(() => alloy.server.stop());
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const post = async (path: string, body: object) => {
    const response = await fetch(`${alloy.http}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status, await response.text()).to.equal(200);
  };

  describe("traces", () => {
    let traces = 0;
    /** Sends a server's spans, each of a trace of its own, and gives the id of the first. */
    const spans = async (
      name: string,
      resource: Attributes,
      {
        count = 1,
        attributes = {},
        ...more
      }: { count?: number; attributes?: Attributes; traceState?: string } = {},
    ) => {
      const now = BigInt(Date.now()) * 1_000_000n;
      const all = Array.from({ length: count }, () => ({
        traceId: `${++traces}`.padStart(32, "0"),
        spanId: `${traces}`.padStart(16, "0"),
        name,
        kind: 2,
        startTimeUnixNano: `${now - 1_000_000n}`,
        endTimeUnixNano: `${now}`,
        attributes: attributesOf(attributes),
        ...more,
      }));
      await post("/v1/traces", {
        resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans: [{ spans: all }] }],
      });
      return all[0]?.traceId ?? "";
    };
    const found = (query: string, id: string) =>
      until(60, `no trace ${id} by ${query}`, async () =>
        (await tempo.search(tenants.traces, query)).includes(id) ? true : undefined,
      );
    const calls = (name: string, expected: number) =>
      until(120, `not ${expected} calls of ${name}`, async () => {
        const [sum] = await mimir.query(
          tenants.pods,
          `sum(traces_spanmetrics_calls_total{span_name="${name}"})`,
        );
        return sum && Math.abs(sum.value - expected) < 0.5 ? true : undefined;
      });

    // https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
    const names: [about: string, resource: Attributes, service: string][] = [
      ["nothing of a pod", {}, "unknown_service"],
      ["its pod", pod("cart"), "cart-0"],
      ["its Deployment", pod("cart", { "k8s.deployment.name": "cart" }), "cart"],
      ["its CronJob", pod("report", { "k8s.cronjob.name": "report", "k8s.job.name": "report-1" }), "report"],
      ["an SDK's default", pod("java", { "service.name": "unknown_service:java" }), "java-0"],
      ["itself", pod("pay", { "k8s.deployment.name": "pay", "service.name": "payment" }), "payment"],
    ];
    for (const [about, resource, service] of names)
      it(`have the service name ${service} of ${about}`, async () => {
        const id = await spans("named", resource);
        await found(`{ resource.service.name = "${service}" }`, id);
      });

    it("keep a stack trace of 16 KiB in an event", async () => {
      const id = await spans(
        "large",
        { "service.name": "cases" },
        {
          attributes: { "exception.stacktrace": "s".repeat(16 * 1024) },
        },
      );
      await found('{ name = "large" }', id);
      const { body } = await tempo.ask(tenants.traces, `/api/traces/${id}`);
      expect(body).to.include("s".repeat(16 * 1024));
    });

    // How many requests a span stands for: 20 spans are sent of each.
    const ratios: [name: string, calls: number, resource: Attributes, span?: Parameters<typeof spans>[2]][] =
      [
        ["the ratio of the settings", 200, {}],
        ["a mesh that keeps every trace", 20, { "sampling.ratio": 1 }],
        ["a ratio of OTEL_RESOURCE_ATTRIBUTES", 40, { "sampling.ratio": "0.5" }],
        ["a ratio that is none", 200, { "sampling.ratio": "many" }],
        ["a ratio out of range", 200, { "sampling.ratio": 10 }],
        ["a span's own ratio", 80, {}, { attributes: { "sampling.ratio": 0.25 } }],
        // https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
        [
          "a threshold of 3/4 in the tracestate",
          80,
          {},
          { traceState: "vendor=1,ot=rv:0123456789abcd;th:c" },
        ],
        ["a threshold of 0 in the tracestate", 20, {}, { traceState: "ot=th:0" }],
      ];
    describe("are counted by", () => {
      before(async () => {
        for (const [name, , resource, span = {}] of ratios)
          await spans(name, { "service.name": "ratios", ...resource }, { count: 20, ...span });
      });
      for (const [name, expected] of ratios) it(name, () => calls(name, expected));
    });

    it("are accepted in a gRPC message of 6 MiB", async () => {
      const exporter = new OTLPTraceExporter({ url: alloy.grpc, timeoutMillis: 20_000 });
      const batches = new BatchSpanProcessor(exporter, {
        maxExportBatchSize: 400,
        scheduledDelayMillis: 60_000,
      });
      const provider = new BasicTracerProvider({ spanProcessors: [batches] });
      const ids = Array.from({ length: 399 }, () => {
        const span = provider.getTracer("case").startSpan("of 6 MiB");
        span.setAttribute("exception.stacktrace", "x".repeat(16_000)).end();
        return span.spanContext().traceId;
      });
      await provider.shutdown();
      await until(60, "not all traces", async () => {
        const stored = await tempo.search(tenants.traces, '{ name = "of 6 MiB" }');
        return ids.every((id) => stored.includes(id)) ? true : undefined;
      });
    });
  });

  describe("a browser", () => {
    const preflight = (from: string) =>
      fetch(`${alloy.http}/v1/traces`, {
        method: "OPTIONS",
        headers: {
          Origin: from,
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "authorization,content-type",
        },
      });
    for (const from of [origin, "https://cart.example.org"])
      it(`may send from ${from}`, async () => {
        const { headers } = await preflight(from);
        expect(headers.get("access-control-allow-origin")).to.equal(from);
        expect(headers.get("access-control-allow-headers")).to.match(/authorization,\s*content-type/i);
      });

    it("may not send from another origin", async () => {
      const { headers } = await preflight("https://shop.example.net");
      expect(headers.get("access-control-allow-origin")).to.equal(null);
    });
  });
});
