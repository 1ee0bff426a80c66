/** OTLP as other people's SDKs, meshes, browsers and collectors send it, through a real Alloy into real stores. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect } from "chai";
import { stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { address, gatewayUser, type Store, services, tenants } from "../../names";
import { collectorObject } from "../../values/collector";
import { lokiConfiguration } from "../../values/loki-configuration";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { Mimir } from "../support/mimir";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { counted, type Replica, startReplicas, Tempo } from "../support/traces";

const origin = "https://shop.example.com";
const settings = settingsOf("dev", {
  cluster: { name: "test" },
  tracing: { sampling: { ratio: 0.1 } },
  otlp: { cors: { allowedOrigins: [origin, "https://*.example.org"] } },
});

/** What Loki's index can hold decides what becomes of a log record. */
const indexes = ["boltdb-shipper", "tsdb"] as const;
const settingsWith = (store: (typeof indexes)[number]) => ({
  ...settings,
  loki: { ...settings.loki, schema: [{ from: "2024-01-01", store }] },
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
  /** With Loki's default index, and by index. */
  let alloy: Replica;
  const alloys = {} as Record<(typeof indexes)[number], Replica>;
  const lokis = {} as Record<(typeof indexes)[number], Loki>;
  let tempo: Tempo;
  let mimir: Mimir;
  const stops: (() => Promise<unknown>)[] = [];

  before(async function () {
    const [program = "", tempoProgram = "", mimirProgram = "", lokiProgram = ""] = needs(
      this,
      "alloy",
      "tempo",
      "mimir",
      "loki",
    );
    needsNginx(this);
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), "observability-otlp-"));
    const gateway = async (store: Store, at: (target: string) => string, name: string = store) => {
      const one = await Gateway.start(join(folder, `${name}-gateway`), { store, settings, at });
      stops.push(() => one.stop());
      return one;
    };
    mimir = await Mimir.start(mimirProgram, join(folder, "mimir"), settings);
    stops.push(() => mimir.stop("SIGKILL"));
    const toMimir = await gateway("mimir", () => new URL(mimir.url).host);
    tempo = await Tempo.start(tempoProgram, join(folder, "tempo"), settings, toMimir);
    stops.push(() => tempo.stop("SIGKILL"));
    const toTempo = await gateway("tempo", tempo.at);
    for (const index of indexes) {
      const own = settingsWith(index);
      const { limits_config: limits } = lokiConfiguration(own) as { limits_config: Record<string, unknown> };
      const loki = await Loki.start(lokiProgram, join(folder, index), limits);
      const toLoki = await gateway("loki", () => new URL(loki.url).host, index);
      const [replica] = await startReplicas(program, join(folder, `alloy-${index}`), own, {
        POD_NAME: index,
        TEMPO_URL: toTempo.url,
        TEMPO_PASSWORD_FILE: toTempo.passwordFile(gatewayUser(tenants.traces, "write")),
        MIMIR_URL: toMimir.url,
        PASSWORDS: toMimir.passwordFolder,
        LOKI_URL: toLoki.url,
        LOKI_PASSWORD_FILE: toLoki.passwordFile(gatewayUser(tenants.logs, "write")),
      });
      if (!replica) throw new Error("no replica of Alloy runs");
      stops.push(
        () => loki.stop(),
        () => replica.server.stop(),
      );
      lokis[index] = loki;
      alloys[index] = replica;
    }
    alloy = alloys["boltdb-shipper"];
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const post = async (path: string, body: object, { http } = alloy) => {
    const response = await fetch(`${http}${path}`, {
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

    it("are accepted in a gRPC message of 6 MiB", () => sendLarge(alloy.grpc, 399));
  });

  const preflight = (url: string, from: string) =>
    fetch(`${url}/v1/traces`, {
      method: "OPTIONS",
      headers: {
        Origin: from,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
      },
    });

  /** Sends a message of spans with 16 kB each, and waits until Tempo has all of them. */
  const sendLarge = async (url: string, spans: number) => {
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: 20_000 });
    const batches = new BatchSpanProcessor(exporter, {
      maxExportBatchSize: spans + 1,
      maxQueueSize: spans + 1,
      scheduledDelayMillis: 60_000,
    });
    const provider = new BasicTracerProvider({ spanProcessors: [batches] });
    const name = `one of ${spans} to ${url}`;
    const ids = Array.from({ length: spans }, () => {
      const span = provider.getTracer("case").startSpan(name);
      span.setAttribute("exception.stacktrace", "x".repeat(16_000)).end();
      return span.spanContext().traceId;
    });
    await provider.shutdown();
    await until(60, "not all traces", async () => {
      const stored = await tempo.search(tenants.traces, `{ name = "${name}" }`);
      return ids.every((id) => stored.includes(id)) ? true : undefined;
    });
  };

  describe("the OpenTelemetry Collector of the operator", () => {
    let ports: Record<string, number>;

    before(async function () {
      const [program = ""] = needs(this, "otelcol");
      ports = { 4317: await freePort(), 4318: await freePort() };
      const { config } = collectorObject(settings).spec;
      const file = join(folder, "collector.yaml");
      const own = stringify(config)
        .replace(/0\.0\.0\.0:(\d+)/g, (_, port) => `127.0.0.1:${ports[port]}`)
        .replace(address(services(settings).otlpGrpc), new URL(alloy.grpc).host);
      writeFileSync(file, `${own}  telemetry: { metrics: { level: none } }\n`);
      const collector = await Server.start(program, ["--config", file], {
        ready: async () => (await fetch(`http://127.0.0.1:${ports[4318]}/`)).status > 0,
      });
      stops.push(() => collector.stop());
    });

    for (const spans of [399, 900])
      it(`accepts a gRPC message of ${Math.round((spans * 16_000) / 2 ** 20)} MiB, which arrives whole`, () =>
        sendLarge(`http://127.0.0.1:${ports[4317]}`, spans));

    it("allows browsers of the same origins", async () => {
      const answer = (from: string) => preflight(`http://127.0.0.1:${ports[4318]}`, from);
      expect((await answer(origin)).headers.get("access-control-allow-origin")).to.equal(origin);
      expect((await answer("https://shop.example.net")).headers.get("access-control-allow-origin")).to.equal(
        null,
      );
    });
  });

  it("a span larger than a batch is cut, and the others of its request are stored", async () => {
    const exporter = new OTLPTraceExporter({ url: alloy.grpc, timeoutMillis: 20_000 });
    const batches = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 });
    const provider = new BasicTracerProvider({ spanProcessors: [batches] });
    const tracer = provider.getTracer("case");
    for (const size of [10, 5_000_000, 10])
      tracer.startSpan("prompt").setAttribute("x", "x".repeat(size)).end();
    await provider.shutdown();
    await until(60, "not three traces", async () =>
      (await tempo.search(tenants.traces, '{ name = "prompt" }')).length === 3 ? true : undefined,
    );
  });

  describe("metrics", () => {
    const shop = pod("cart", {
      "k8s.deployment.name": "cart",
      "k8s.container.name": "app",
      "host.arch": "amd64",
    });
    const send = (resource: Attributes, ...metrics: object[]) =>
      post("/v1/metrics", {
        resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics: [{ metrics }] }],
      });
    const point = (more: object) => ({
      startTimeUnixNano: `${Date.now() - 10_000}000000`,
      timeUnixNano: `${Date.now()}000000`,
      attributes: attributesOf({ "http.route": "/cart" }),
      ...more,
    });
    const counter = (name: string, temporality: "cumulative" | "delta" = "cumulative") => ({
      name,
      sum: {
        isMonotonic: true,
        aggregationTemporality: temporality === "delta" ? 1 : 2,
        dataPoints: [point({ asDouble: 7 })],
      },
    });
    const series = async (query: string, tenant: string = tenants.pods) =>
      until(60, `nothing of ${query}`, async () => {
        const found = await mimir.query(tenant, query);
        return found.length ? found : undefined;
      });

    it("have the names and labels of scraped ones, and target_info", async () => {
      await send(
        shop,
        counter("orders"),
        { name: "queue.size", unit: "By", gauge: { dataPoints: [point({ asInt: "5" })] } },
        {
          name: "http.server.request.duration",
          unit: "s",
          histogram: {
            aggregationTemporality: 2,
            dataPoints: [
              point({ count: "3", sum: 0.6, explicitBounds: [0.1, 1], bucketCounts: ["1", "2", "0"] }),
            ],
          },
        },
        {
          name: "exponential",
          exponentialHistogram: {
            aggregationTemporality: 2,
            dataPoints: [
              point({
                count: "3",
                sum: 6,
                scale: 0,
                zeroCount: "0",
                positive: { offset: 0, bucketCounts: ["1", "2"] },
              }),
            ],
          },
        },
      );
      const labels = {
        job: "shop/cart",
        instance: "shop.cart-0.app",
        cluster: "test",
        namespace: "shop",
        pod: "cart-0",
        container: "app",
        http_route: "/cart",
      };
      for (const [name, value] of [
        ["orders_total", 7],
        ["queue_size_bytes", 5],
        ["http_server_request_duration_seconds_sum", 0.6],
      ] as const)
        expect(await series(name), name).to.deep.equal([{ labels: { __name__: name, ...labels }, value }]);
      const [buckets] = await series('http_server_request_duration_seconds_bucket{le="1"}');
      expect(buckets?.value).to.equal(3);
      expect((await series("histogram_count(exponential)"))[0]?.value).to.equal(3);
      const [info] = await series("target_info");
      expect(info?.labels).to.include({
        job: labels.job,
        instance: labels.instance,
        host_arch: "amd64",
        k8s_deployment_name: "cart",
        deployment_environment: "dev",
      });
    });

    it("go to the tenant of their namespace", async () => {
      await send({ ...pod("dns"), "k8s.namespace.name": "kube-system" }, counter("of_system"));
      await series("of_system_total", tenants.nodes);
      expect(await mimir.query(tenants.pods, "of_system_total")).to.deep.equal([]);
      await send({ "service.name": "elsewhere" }, counter("of_nobody"));
      const [one] = await series("of_nobody_total");
      expect(one?.labels).to.include({ job: "elsewhere", cluster: "test" });
      expect(await mimir.query(tenants.nodes, "of_nobody_total")).to.deep.equal([]);
    });

    describe("of delta temporality", () => {
      const sources = ["one", "other"];
      const metric = (at: number) => ({
        startTimeUnixNano: `${at - 1000}000000`,
        timeUnixNano: `${at}000000`,
        attributes: [],
      });
      const deltas = (at: number) => [
        {
          name: "delta.calls",
          sum: {
            isMonotonic: true,
            aggregationTemporality: 1,
            dataPoints: [{ ...metric(at), asInt: "7" }],
          },
        },
        {
          name: "delta.duration",
          unit: "s",
          histogram: {
            aggregationTemporality: 1,
            dataPoints: [
              {
                ...metric(at),
                count: "3",
                sum: 0.6,
                explicitBounds: [0.1, 1],
                bucketCounts: ["1", "2", "0"],
              },
            ],
          },
        },
      ];

      before(async () => {
        // As behind a Service: the requests of a source are spread over the replicas.
        const replicas = Object.values(alloys);
        const start = Date.now() - 20_000;
        for (const source of sources)
          for (let request = 0; request < 6; request++)
            await post(
              "/v1/metrics",
              {
                resourceMetrics: [
                  {
                    resource: { attributes: attributesOf(pod(source)) },
                    scopeMetrics: [{ metrics: deltas(start + request * 1000) }],
                  },
                ],
              },
              replicas[request % replicas.length],
            );
      });

      for (const [query, value] of [
        ["sum without (collector) (delta_calls_total)", 42],
        ["sum without (collector) (delta_duration_seconds_count)", 18],
        ['sum without (collector) (delta_duration_seconds_bucket{le="1"})', 18],
      ] as const)
        it(`are summed up: ${query}`, async () => {
          const all = await until(60, "not all of it", async () => {
            const found = await mimir.query(tenants.pods, query);
            return found.length === sources.length && found.every((one) => one.value === value)
              ? found
              : undefined;
          });
          expect(all.map(({ labels }) => labels["pod"])).to.have.members(["one-0", "other-0"]);
        });

      it("have a series for each replica, and others have one", async () => {
        const [calls] = await mimir.query(tenants.pods, "count by (pod) (delta_calls_total)");
        expect(calls?.value).to.equal(2);
        expect(await mimir.query(tenants.pods, 'orders_total{collector!=""}')).to.deep.equal([]);
      });

      it("are counted where they are too late, and the others of the request are stored", async () => {
        const late = deltas(Date.now() - 3_600_000);
        const lost = () =>
          counted(alloy.url, "otelcol_deltatocumulative_datapoints_total", { error: "delta.ErrOlderStart" });
        const before = await lost();
        await send(pod("one"), ...late, counter("beside_late"));
        await series("beside_late_total");
        expect((await lost()) - before).to.equal(2);
      });
    });
  });

  describe("logs", () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const span = "b7ad6b7169203331";
    const resource = pod("cart", {
      "service.name": "cart",
      "k8s.container.name": "app",
      "k8s.node.name": "node-1",
      "service.instance.id": "627cc493-f310-47de-96bd-71410b7dec09",
      unit: "kubelet.service",
    });
    const streamLabels = {
      cluster: "test",
      container_name: "app",
      job: "shop/cart",
      namespace: "shop",
      node_name: "node-1",
      pod_name: "cart-0",
      service_name: "cart",
    };
    type Value = object | string;
    interface Case {
      about: string;
      record: { body?: Value; attributes?: Attributes; [field: string]: unknown };
      level?: string;
      /** With boltdb-shipper, and with tsdb where it differs. */
      line: string;
      tsdb?: string;
      metadata?: Attributes;
    }
    const text = (stringValue: string) => ({ stringValue });
    const ids = { traceId: trace, spanId: span };
    const cases: Case[] = [
      { about: "plain text", record: { body: text("plain words") }, line: "plain words" },
      {
        // https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
        about: "a severity, a trace and attributes",
        record: {
          ...ids,
          body: text("order placed\n"),
          severityNumber: 13,
          severityText: "WARNING",
          attributes: { "order.id": "7", comment: "two words" },
        },
        level: "warn",
        line: `order placed comment="two words" order.id=7 span_id=${span} trace_id=${trace}`,
        tsdb: `order placed span_id=${span} trace_id=${trace}`,
        metadata: { order_id: "7", comment: "two words", trace_id: trace, severity_text: "WARNING" },
      },
      {
        about: "a severity in words",
        record: { body: text("x"), severityText: "Critical" },
        level: "fatal",
        line: "x",
      },
      {
        about: "a level in the line",
        record: { body: text("ERROR no disk") },
        level: "error",
        line: "ERROR no disk",
      },
      {
        about: "JSON as text",
        record: { ...ids, body: text('{"msg":"paid","level":"debug"}') },
        level: "debug",
        line: `{"level":"debug","msg":"paid","span_id":"${span}","trace_id":"${trace}"}`,
      },
      {
        about: "a structured body",
        record: {
          body: { kvlistValue: { values: attributesOf({ msg: "paid" }) } },
          attributes: { user: "ann" },
        },
        line: '{"msg":"paid","user":"ann"}',
        tsdb: '{"msg":"paid"}',
        metadata: { user: "ann" },
      },
      {
        // https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/
        about: "an exception",
        record: {
          body: text("failed"),
          severityNumber: 17,
          attributes: { "exception.type": "E", "exception.stacktrace": "E: x\n\tat a.b(c:1)" },
        },
        level: "error",
        line: "failed exception.type=E\nE: x\n\tat a.b(c:1)",
        tsdb: "failed\nE: x\n\tat a.b(c:1)",
        metadata: { exception_type: "E" },
      },
      {
        about: "attributes with the names of labels",
        record: {
          body: text("clash"),
          attributes: { namespace: "other", job: "systemd-journal", level: "notice" },
        },
        level: "info",
        line: "clash exported_job=systemd-journal exported_level=notice exported_namespace=other",
        tsdb: "clash",
        metadata: { exported_namespace: "other", exported_job: "systemd-journal" },
      },
      {
        // https://opentelemetry.io/docs/specs/semconv/general/events/
        about: "an event without a body",
        record: { eventName: "device.crash", attributes: { "app.build": "9" } },
        line: "device.crash app.build=9",
        tsdb: "device.crash",
        metadata: { app_build: "9" },
      },
      {
        about: "a trace id that the line has already",
        record: { ...ids, body: text(`paid trace_id=${trace}`) },
        line: `paid trace_id=${trace} span_id=${span}`,
      },
    ];
    const long = "y".repeat(2_000_000);

    interface Entry {
      labels: Record<string, string>;
      line: string;
      metadata: Record<string, string>;
    }
    const stored = {} as Record<(typeof indexes)[number], Entry[]>;

    before(async () => {
      const now = Date.now();
      const logRecords = [...cases.map(({ record }) => record), { body: text(long) }].map(
        ({ attributes, ...record }: Case["record"], index) => ({
          // By its time an entry is known; the first has only the time at which it was seen.
          [index ? "timeUnixNano" : "observedTimeUnixNano"]: `${now + index}000000`,
          ...record,
          ...(attributes && { attributes: attributesOf(attributes) }),
        }),
      );
      const body = {
        resourceLogs: [
          {
            resource: { attributes: attributesOf(resource) },
            scopeLogs: [{ scope: { name: "logger", version: "1" }, logRecords }],
          },
        ],
      };
      for (const index of indexes) {
        await post("/v1/logs", body, alloys[index]);
        stored[index] = await until(60, `not all entries with ${index}`, async () => {
          const query = new URLSearchParams({
            query: '{namespace="shop"}',
            limit: "100",
            direction: "forward",
          });
          const response = await fetch(`${lokis[index].url}/loki/api/v1/query_range?${query}`, {
            headers: { "X-Scope-OrgID": tenants.logs, "X-Loki-Response-Encoding-Flags": "categorize-labels" },
          });
          const { data } = (await response.json()) as {
            data: {
              result: {
                stream: Record<string, string>;
                values: [string, string, { structuredMetadata?: Record<string, string> }][];
              }[];
            };
          };
          const entries = data.result.flatMap(({ stream, values }) =>
            values.map(([time, line, { structuredMetadata: metadata = {} }]) => ({
              time: Number(time.slice(0, -6)) - now,
              labels: stream,
              line,
              metadata,
            })),
          );
          return entries.length === logRecords.length
            ? entries.sort((one, other) => one.time - other.time)
            : undefined;
        });
      }
    });

    for (const index of indexes)
      for (const [at, { about, level, line, tsdb, metadata = {} }] of cases.entries())
        it(`of ${about} are stored with ${index}`, () => {
          const entry = stored[index][at];
          const structured = index === "tsdb";
          expect(entry?.line).to.equal((structured && tsdb) || line);
          expect(entry?.labels).to.deep.equal({ ...streamLabels, ...(level && { level }) });
          if (structured) expect(entry?.metadata).to.include(metadata);
          else expect(entry?.metadata).to.deep.equal({});
        });

    // The rules of logs from files: tests/cases/logs-lines.ts has their forms.
    const filtered: [about: string, namespace: string, stays: boolean, record: object][] = [
      ["a health check as text", "web", false, { body: text("GET /healthz 200 2 - 0.512 ms") }],
      [
        // https://opentelemetry.io/docs/specs/semconv/http/http-spans/
        "a health check in attributes",
        "web",
        false,
        {
          body: text("request finished"),
          severityNumber: 9,
          attributes: attributesOf({ "url.path": "/healthz", "http.response.status_code": "200" }),
        },
      ],
      [
        "a failed health check in attributes",
        "web",
        true,
        {
          body: text("request failed"),
          severityNumber: 9,
          attributes: attributesOf({ "url.path": "/healthz", "http.response.status_code": "503" }),
        },
      ],
      ["an information of kube-system", "kube-system", false, { body: text("started"), severityNumber: 9 }],
      ["a warning as text of kube-system", "kube-system", false, { body: text("WARN slow") }],
      ["an error of kube-system", "kube-system", true, { body: text("no disk"), severityNumber: 17 }],
      ["an error without a level of kube-system", "kube-system", true, { body: text("connection refused") }],
    ];
    for (const index of indexes)
      it(`of health checks, and all but errors of kube-system, are left out with ${index}`, async () => {
        const now = Date.now();
        await post(
          "/v1/logs",
          {
            resourceLogs: filtered.map(([about, namespace, , record], at) => ({
              resource: {
                attributes: attributesOf({
                  ...pod("filtered"),
                  "k8s.namespace.name": namespace,
                  "service.name": about,
                }),
              },
              scopeLogs: [{ logRecords: [{ timeUnixNano: `${now + at}000000`, ...record }] }],
            })),
          },
          alloys[index],
        );
        const wanted = filtered.filter(([, , stays]) => stays).map(([about]) => about);
        const found = await until(60, "not all entries", async () => {
          const query = new URLSearchParams({ query: '{pod_name="filtered-0"}', limit: "100" });
          const response = await fetch(`${lokis[index].url}/loki/api/v1/query_range?${query}`, {
            headers: { "X-Scope-OrgID": tenants.logs },
          });
          const { data } = (await response.json()) as {
            data: { result: { stream: Record<string, string> }[] };
          };
          const services = data.result.map(({ stream }) => stream["service_name"]);
          return wanted.every((one) => services.includes(one)) ? services : undefined;
        });
        expect(found).to.have.members(wanted);
      });

    for (const index of indexes)
      it(`of 2 MB are cut, and say so, with ${index}`, () => {
        const line = stored[index].at(-1)?.line ?? "";
        expect(line).to.match(/^y+ \[truncated\]$/);
        expect(line.length).to.equal(settings.loki.maxLineSize);
      });
  });

  describe("a browser", () => {
    for (const from of [origin, "https://cart.example.org"])
      it(`may send from ${from}`, async () => {
        const { headers } = await preflight(alloy.http, from);
        expect(headers.get("access-control-allow-origin")).to.equal(from);
        expect(headers.get("access-control-allow-headers")).to.match(/authorization,\s*content-type/i);
      });

    it("may not send from another origin", async () => {
      const { headers } = await preflight(alloy.http, "https://shop.example.net");
      expect(headers.get("access-control-allow-origin")).to.equal(null);
    });
  });
});
