/**
 * The traced example: its application, instrumented as by the operator and with a real receiver, and its Pulumi
 * program, which reads only the stack's outputs.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { servedUrls } from "../../names";
import rootPackage from "../../package.json";
import type { Settings } from "../../settings";
import { instrumentationObject } from "../../values/instrumentation";
import { openTelemetryOperatorValues } from "../../values/opentelemetry-operator";
import { ApiServer } from "../support/api-server";
import { instrumentation } from "../support/names";
import type { KubernetesObject } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { Receiver, type Span } from "./otlp";
import { needsPostgres, type Postgres } from "./postgres";
import { type Example, exampleOf, folder, generated } from "./program";
import { needsPython, type Python } from "./python";

const services = ["api", "numbers"] as const;
type Service = (typeof services)[number];

interface Variable {
  name: string;
  value?: string;
}

/** Outputs of the platform's stack, from its settings. */
const platformOf = (settings: Settings) => ({
  environment: settings.environment,
  cluster: settings.cluster.name,
  otlpGrpcEndpoint: served.otlpGrpc,
  otlpHttpEndpoint: served.otlpHttp,
  tracesSamplingRatio: settings.tracing.sampling.ratio,
  instrumentation: `${instrumentation.namespace}/${instrumentation.name}`,
});
const sampling = (ratio: number) => settingsOf("dev", { tracing: { sampling: { ratio } } });
const dev = settingsOf("dev");
const served = servedUrls(dev);
const prod = settingsOf("prod");

describe("examples: the Random backend's Pulumi program", function () {
  // Pulumi's SDKs are loaded for the first time.
  this.timeout(60_000);
  let inDev: Example;
  let inProd: Example;

  before(async () => {
    inDev = await exampleOf("dev", platformOf(dev));
    inProd = await exampleOf("prod", platformOf(prod));
  });

  const podOf = (example: Example, service: Service) => example.find("Deployment", service).spec.template;
  const variablesOf = (example: Example, service: Service): Variable[] =>
    podOf(example, service).spec.containers[0].env;

  it("reads the observability stack of the same name, or the configured one", async () => {
    expect(inDev.platform).to.equal("organization/observability/dev");
    expect(inProd.platform).to.equal("organization/observability/prod");
    const other = await exampleOf("dev", platformOf(dev), { platform: "acme/observability/shared" });
    expect(other.platform).to.equal("acme/observability/shared");
  });

  it("requests instrumentation of both services from the operator (R9.1)", () => {
    for (const service of services)
      expect(podOf(inDev, service).metadata.annotations).to.include({
        "instrumentation.opentelemetry.io/inject-python": "opentelemetry/default",
      });
  });

  it("sets the attributes of both services (R9.4)", () => {
    for (const [example, environment] of [
      [inDev, "dev"],
      [inProd, "prod"],
    ] as const)
      for (const service of services)
        expect(variablesOf(example, service)).to.deep.include.members([
          { name: "OTEL_SERVICE_NAME", value: service },
          {
            name: "OTEL_RESOURCE_ATTRIBUTES",
            value: `service.namespace=random-backend,deployment.environment=${environment}`,
          },
        ]);
  });

  it("uses ratio and endpoint of the platform: if they change there, pods are recreated (R9.3)", async () => {
    expect([inDev.outputs["samplingRatio"], inProd.outputs["samplingRatio"]]).to.deep.equal([1, 0.1]);
    const changed = { ...platformOf(dev), tracesSamplingRatio: 0.25, otlpHttpEndpoint: "http://other:4318" };
    const after = await exampleOf("dev", changed);
    expect(after.outputs).to.include({ samplingRatio: 0.25, otlpEndpoint: "http://other:4318" });
    for (const service of services)
      expect(podOf(after, service).metadata.annotations).to.include({
        "random-backend/sampling-ratio": "0.25",
        "random-backend/otlp-endpoint": "http://other:4318",
      });
    // Nothing else differs.
    const before = JSON.stringify(inDev.resources)
      .replaceAll('"random-backend/sampling-ratio":"1"', '"random-backend/sampling-ratio":"0.25"')
      .replaceAll(served.otlpHttp, "http://other:4318");
    expect(after.resources).to.deep.equal(JSON.parse(before));
  });

  it("repeats no value of the platform in its own files", () => {
    const own = readdirSync(folder).filter((file) => /\.(ts|yaml|json)$/.test(file));
    expect(own).to.include.members(["index.ts", "Pulumi.dev.yaml", "Pulumi.prod.yaml"]);
    for (const file of own)
      expect(readFileSync(join(folder, file), "utf8"), file).not.to.match(
        /431[78]|svc\.cluster\.local:|alloy|opentelemetry\/default|(?<![\d.])0\.1(?![\d.])|OTEL_(TRACES|EXPORTER|PROPAGATORS)/,
      );
  });

  it("has one replica of each service in dev and two in prod", () => {
    for (const service of services)
      expect(
        [inDev, inProd].map((example) => example.find("Deployment", service).spec.replicas),
      ).to.deep.equal([1, 2]);
  });

  it("keeps the password only in its Secret", () => {
    for (const { resources, outputs } of [inDev, inProd]) {
      const holding = resources.filter(({ inputs }) => JSON.stringify(inputs).includes(generated));
      expect(holding.map(({ type, name }) => [type, name])).to.deep.equal([
        ["kubernetes:core/v1:Secret", "postgres"],
      ]);
      expect(JSON.stringify(outputs)).not.to.include(generated);
    }
    expect(variablesOf(inDev, "numbers")).to.deep.include({
      name: "PGPASSWORD",
      valueFrom: { secretKeyRef: { name: "postgres", key: "password" } },
    });
    expect(variablesOf(inDev, "api").filter(({ name }) => name.startsWith("PG"))).to.deep.equal([]);
  });

  it("has an exporter next to the database, open to all scrapers, with its own user and password", () => {
    const { spec, metadata } = inDev.find("StatefulSet", "postgres").spec.template;
    expect(metadata.annotations).to.deep.equal({
      "prometheus.io/scrape": "true",
      "prometheus.io/port": "9187",
    });
    const [server, exporter] = spec.containers;
    expect(exporter.ports).to.deep.equal([{ name: "metrics", containerPort: 9187 }]);
    const { ingress } = inDev.find("NetworkPolicy", "postgres").spec;
    expect(ingress).to.deep.include({ ports: [{ port: 9187 }] });
    const valueFrom = { secretKeyRef: { name: "postgres", key: "exporterPassword" } };
    expect(server.env).to.deep.include({ name: "EXPORTER_PASSWORD", valueFrom });
    expect(exporter.env).to.deep.include({ name: "DATA_SOURCE_USER", value: "exporter" });
    expect(exporter.env).to.deep.include({ name: "DATA_SOURCE_PASS", valueFrom });
    expect(JSON.stringify(exporter.env)).not.to.include('"password"');
  });

  it("pins its images; the application's is a setting", async () => {
    const imagesOf = (example: Example) =>
      example.resources
        .flatMap(({ inputs }) => inputs.spec?.template?.spec.containers ?? [])
        .map(({ image }: { image: string }) => image);
    for (const image of imagesOf(inProd)) expect(image).to.match(/:v?\d+\.\d+[\w.-]*$/);
    const image = "registry.example.com/random-backend:1.2.3";
    const own = await exampleOf("dev", platformOf(dev), { image });
    expect(imagesOf(own)).to.have.length(4);
    expect(imagesOf(own).filter((name) => !imagesOf(inDev).includes(name))).to.deep.equal([image, image]);
  });

  it("needs the same versions as this project outside the repository", () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    expect(rootPackage.dependencies).to.include(dependencies);
    expect(rootPackage.devDependencies).to.include(devDependencies);
  });

  it("has no OpenTelemetry in its application", () => {
    const app = join(folder, "app");
    const files = readdirSync(app, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".py"),
    );
    expect(files).to.have.members(
      ["__init__", "api", "logs", "numbers"].map((name) => `random_backend/${name}.py`),
    );
    for (const file of files)
      expect(readFileSync(join(app, file), "utf8"), file).not.to.match(/^\s*(import|from) opentelemetry/m);
    expect(readFileSync(join(app, "requirements.txt"), "utf8")).not.to.match(/^opentelemetry/m);
  });

  it("is accepted by a real API server, Pod Security included", async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    this.timeout(120_000);
    const api = await ApiServer.start(etcd, kubeApiserver);
    try {
      for (const { type, inputs } of inProd.resources) {
        const [, version = "", kind = ""] = /^kubernetes:(.+):(\w+)$/.exec(type) ?? [];
        if (!kind) continue;
        const apiVersion = version.replace("core/", "");
        const object = { apiVersion, kind, ...inputs } as KubernetesObject;
        const verdict = await (kind === "Namespace"
          ? api.create(object)
          : api.check(object, "random-backend"));
        expect(verdict, `${kind} ${object.metadata.name}`).to.include({ status: 201 });
        expect(verdict.warnings, `${kind} ${object.metadata.name}`).to.deep.equal([]);
      }
    } finally {
      await api.stop();
    }
  });
});

/** The variables that the operator adds to a container: https://github.com/open-telemetry/opentelemetry-operator/blob/v0.158.0/internal/instrumentation/sdk.go */
function injected(settings: Settings, endpoint: string): Record<string, string> {
  const { spec } = instrumentationObject(settings);
  return {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_PROPAGATORS: spec.propagators.join(),
    OTEL_TRACES_SAMPLER: spec.sampler.type,
    OTEL_TRACES_SAMPLER_ARG: spec.sampler.argument,
    ...Object.fromEntries([...spec.env, ...spec.python.env].map(({ name, value }) => [name, value])),
    // A short delay, because tests wait for spans.
    OTEL_BSP_SCHEDULE_DELAY: "100",
  };
}

/** A line of a service's log. */
type Line = Record<string, unknown>;

/** Both services, running. */
class Application {
  private readonly servers = new Map<Service, Server>();
  private urls: Record<Service, string> = { api: "", numbers: "" };

  /** @param environment variables that the operator adds; none without instrumentation */
  static async start(
    example: Example,
    python: Python,
    postgres: Postgres,
    environment: Record<string, string>,
  ): Promise<Application> {
    const application = new Application();
    try {
      for (const service of ["numbers", "api"] as const) {
        const [container] = example.find("Deployment", service).spec.template.spec.containers;
        const own = (container.env as Variable[]).flatMap(({ name, value }) =>
          value === undefined ? [] : [[name, value]],
        );
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        application.urls[service] = url;
        const server = await Server.start(python.program, ["-m", "uvicorn", ...container.args], {
          folder: join(folder, "app"),
          environment: {
            ...Object.fromEntries(own),
            ...environment,
            ...postgres.environment,
            NUMBERS_URL: application.urls.numbers,
            // As in the Dockerfile, on a port of its own.
            PYTHONDONTWRITEBYTECODE: "1",
            PYTHONUNBUFFERED: "1",
            UVICORN_LOG_CONFIG: "logging.json",
            UVICORN_PORT: String(port),
          },
          ready: async () => (await fetch(`${url}${container.readinessProbe.httpGet.path}`)).ok,
        });
        application.servers.set(service, server);
      }
      return application;
    } catch (error) {
      await application.stop();
      throw error;
    }
  }

  async get(service: Service, path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.urls[service]}${path}`, { headers });
  }

  /** All log lines of a service; each is JSON. */
  lines(service: Service): Line[] {
    const text = this.servers.get(service)?.log ?? "";
    return text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  async stop(): Promise<void> {
    for (const server of this.servers.values()) await server.stop();
  }
}

describe("examples: the Random backend, running", function () {
  this.timeout(120_000);
  let python: Python;
  let postgres: Postgres;
  let receiver: Receiver;
  let example: Example;

  before(async function () {
    const { autoInstrumentationImage } = openTelemetryOperatorValues(dev)["manager"] as {
      autoInstrumentationImage: Record<string, { tag: string }>;
    };
    python = needsPython(this, autoInstrumentationImage["python"]?.tag ?? "");
    postgres = await needsPostgres(this, "random");
    receiver = await Receiver.start(python);
    example = await exampleOf("dev", platformOf(dev));
  });

  after(async () => {
    await receiver?.stop();
    await postgres?.stop();
  });

  const start = (settings: Settings) =>
    Application.start(example, python, postgres, {
      PYTHONPATH: python.instrumented,
      ...injected(settings, receiver.endpoint),
    });
  const isServer = ({ kind }: Span) => kind === "server";
  const of = (service: Service) => (span: Span) => span.resource["service.name"] === service;
  /** A trace that includes the spans of its outermost service, which end last. */
  const traced = (id: string) =>
    until(20, `trace ${id}`, async () => {
      const spans = receiver.trace(id);
      return spans.some((span) => of("api")(span) && isServer(span)) && spans.some(of("numbers"))
        ? spans
        : undefined;
    });
  /** A caller's own context, sampled or not. */
  const caller = (sampled = true) => {
    const [trace, span] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
    return { trace, span, headers: { traceparent: `00-${trace}-${span}-0${Number(sampled)}` } };
  };
  const linesOf = (application: Application, service: Service, trace: string) =>
    application.lines(service).filter((line) => line["trace_id"] === trace);

  describe("traced in full", () => {
    let application: Application;

    before(async () => {
      application = await start(sampling(1));
    });

    after(() => application?.stop());

    it("creates one trace of each request, over both services and the database (R9.5)", async () => {
      const { trace, span, headers } = caller();
      const answer = await application.get("api", "/random", headers);
      expect(answer.status).to.equal(200);
      expect(await answer.json()).to.have.all.keys("number", "times", "total");

      const spans = await traced(trace);
      const one = (what: (span: Span) => boolean) => {
        const found = spans.filter(what);
        expect(found, JSON.stringify(spans.map(({ name }) => name))).to.have.length(1);
        return found[0] as Span;
      };
      const api = one((each) => of("api")(each) && isServer(each));
      const call = one((each) => of("api")(each) && each.kind === "client");
      const numbers = one((each) => of("numbers")(each) && isServer(each));
      const database = spans.filter((each) => of("numbers")(each) && each.kind === "client");
      // The caller's trace continues (R9.2), and each span is inside its parent.
      expect(api.parentSpanId).to.equal(span);
      expect(call.parentSpanId).to.equal(api.spanId);
      expect(numbers.parentSpanId).to.equal(call.spanId);
      expect(database.map(({ name }) => name)).to.deep.equal(["INSERT", "SELECT"]);
      for (const each of database) {
        expect(each.parentSpanId).to.equal(numbers.spanId);
        expect(each.attributes["db.system"]).to.equal("postgresql");
      }
      expect(spans.filter(({ failed }) => failed)).to.deep.equal([]);
    });

    it("passes baggage to the second service, and the context that the first one created (R9.2)", async () => {
      const { trace, headers } = caller();
      await application.get("api", "/random", { ...headers, baggage: "customer=alice,plan=gold" });
      const spans = await traced(trace);
      const call = spans.find((each) => of("api")(each) && each.kind === "client");
      const [drew] = linesOf(application, "numbers", trace).filter(({ number }) => number !== undefined);
      expect(String(drew?.["baggage"]).split(",")).to.have.members(["customer=alice", "plan=gold"]);
      expect(drew?.["traceparent"]).to.match(new RegExp(`^00-${trace}-${call?.spanId}-`));
    });

    it("sets service, namespace and environment of every span (R9.4)", async () => {
      const { trace, headers } = caller();
      await application.get("api", "/random", headers);
      for (const { resource } of await traced(trace))
        expect(resource).to.include({
          "service.name": resource["service.name"] === "api" ? "api" : "numbers",
          "service.namespace": "random-backend",
          "deployment.environment": "dev",
          "telemetry.sdk.language": "python",
        });
    });

    it("writes the trace ID into the log lines of both services, as JSON", async () => {
      const { trace, headers } = caller();
      await application.get("api", "/random", headers);
      const spans = await traced(trace);
      for (const service of services) {
        const lines = linesOf(application, service, trace);
        expect(lines.map(({ logger }) => logger)).to.deep.equal([
          `random_backend.${service}`,
          "uvicorn.access",
        ]);
        const ids = spans.filter(of(service)).map(({ spanId }) => spanId);
        for (const line of lines) {
          expect(line).to.include.keys("time", "message").and.include({ level: "info" });
          expect(ids).to.include(line["span_id"]);
        }
        expect(lines[1]).to.include({ method: "GET", status: 200 });
      }
    });

    it("shows a failure in the failed span and in all spans that failed because of it", async () => {
      const answer = await application.get("api", "/random?fail=1");
      expect(answer.status).to.equal(500);
      const [error] = application.lines("numbers").filter(({ level }) => level === "error");
      expect(error?.["exception"]).to.include("DivisionByZero");
      const trace = String(error?.["trace_id"]);
      const failed = (await traced(trace)).filter((span) => span.failed && span.kind !== "internal");
      expect(failed.map(({ resource, kind }) => `${resource["service.name"]} ${kind}`)).to.have.members([
        "api server",
        "api client",
        "numbers server",
        "numbers client",
      ]);
      expect(linesOf(application, "api", trace).map(({ level }) => level)).to.deep.equal(["error", "info"]);
    });

    it("shows the slow part of a slow response", async () => {
      const { trace, headers } = caller();
      await application.get("api", "/random?slow=0.5", headers);
      const spans = await traced(trace);
      const slow = spans.filter(({ kind, seconds }) => kind !== "internal" && seconds >= 0.5);
      expect(slow.map(({ name }) => name)).to.have.members(["GET /random", "GET", "GET /number", "SELECT"]);
    });

    it("creates no trace of probes and scrapes", async () => {
      for (const service of services)
        expect((await application.get(service, "/healthz")).status).to.equal(200);
      const metrics = await (await application.get("numbers", "/metrics")).text();
      expect(metrics).to.match(/^random_numbers_total [1-9]/m);
      // Later spans exist, and theirs do not.
      const { trace, headers } = caller();
      await application.get("api", "/random", headers);
      await traced(trace);
      const names = receiver.spans.map(({ name }) => name);
      expect(names.filter((name) => /healthz|metrics/.test(name))).to.deep.equal([]);
    });

    it("drops a trace that the caller did not sample, and keeps its ID in the log lines", async () => {
      const [left, kept] = [caller(false), caller()];
      await application.get("api", "/random", left.headers);
      await application.get("api", "/random", kept.headers);
      await traced(kept.trace);
      expect(receiver.trace(left.trace)).to.deep.equal([]);
      for (const service of services) expect(linesOf(application, service, left.trace)).to.have.length(2);
    });
  });

  it("creates a user for the exporter that reads statistics and no data", function () {
    const [psql = ""] = needs(this, "psql");
    const script = example.find("ConfigMap", "postgres").data["exporter.sql"];
    const asked = (user: string, sql: string) =>
      spawnSync(psql, ["-v", "ON_ERROR_STOP=1", "-At", "-f", "-"], {
        input: sql,
        encoding: "utf8",
        env: { ...process.env, ...postgres.environment, EXPORTER_PASSWORD: "it's one", PGUSER: user },
      });
    const made = asked("random", `${script}CREATE TABLE secrets (it text);`);
    expect(made.status, made.stderr).to.equal(0);
    const statistics = "SELECT count(*) >= 1 FROM pg_stat_activity WHERE query IS NOT NULL";
    expect(asked("exporter", statistics).stdout).to.equal("t\n");
    expect(asked("exporter", "SELECT * FROM secrets").stderr).to.include("permission denied");
  });

  it("sends nothing at ratio 0, and its log lines are the same", async () => {
    const before = receiver.spans.length;
    const application = await start(sampling(0));
    try {
      for (let request = 0; request < 20; request++)
        expect((await application.get("api", "/random")).status).to.equal(200);
      // The service follows the caller's decision; when its trace has arrived, earlier ones would have, too.
      const { trace, headers } = caller();
      await application.get("api", "/random", headers);
      await traced(trace);
      expect(receiver.spans.slice(before).filter(({ traceId }) => traceId !== trace)).to.deep.equal([]);
      const answered = application.lines("api").filter(({ message }) => /^answered/.test(String(message)));
      expect(answered).to.have.length(21);
      expect(new Set(answered.map(({ trace_id }) => trace_id)).size).to.equal(21);
      for (const { trace_id, span_id } of answered) {
        expect(trace_id).to.match(/^[0-9a-f]{32}$/);
        expect(span_id).to.match(/^[0-9a-f]{16}$/);
      }
    } finally {
      await application.stop();
    }
  });

  it("runs without instrumentation, too, with log lines that have no IDs", async () => {
    const before = receiver.spans.length;
    const application = await Application.start(example, python, postgres, {});
    try {
      const { headers } = caller();
      expect((await application.get("api", "/random", headers)).status).to.equal(200);
      for (const service of services) {
        const lines = application.lines(service);
        expect(lines.map(({ logger }) => logger)).to.include.members([
          `random_backend.${service}`,
          "uvicorn.access",
          "uvicorn.error",
        ]);
        for (const line of lines) {
          expect(line).to.include.keys("time", "level", "message");
          expect(line).not.to.have.any.keys("trace_id", "span_id");
        }
      }
      expect(receiver.spans.length).to.equal(before);
    } finally {
      await application.stop();
    }
  });
});
