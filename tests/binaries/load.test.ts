/** The script of `obs load`, run by k6 against mock stores. */

import { spawn, spawnSync } from "node:child_process";
import { expect } from "chai";
import { scriptFile } from "../../cli/commands/load/life";
import { type Kind, kinds, type Plan, planOf } from "../../cli/commands/load/plan";
import { readSteps, readSummary, type Summary } from "../../cli/commands/load/summary";
import { freePort } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { type Asked, type Stores, startStores } from "../support/stores";
import { needs } from "../support/tools";

describe("binaries: k6 runs the script of obs load", function () {
  this.timeout(180_000);
  let k6: string;
  let stores: Stores;
  let plan: Plan;
  let log = "";
  let summary: Summary;

  before(async function () {
    [k6 = ""] = needs(this, "k6");
    this.timeout(180_000);
    let pushes = 0;
    // The first push of the load is rejected, the second fails; the marked line 2 is never found.
    stores = await startStores((path, body) => {
      if (path !== "/loki/api/v1/push" || body.streams[0].stream.job !== "obs-load") return undefined;
      pushes += 1;
      return pushes === 1 ? 429 : pushes === 2 ? 500 : undefined;
    }, "2");
    const port = await freePort();
    plan = {
      ...planOf(
        settingsOf("dev"),
        { logs: 100, series: 600, spans: 40, queries: 12, steps: 2, duration: 4 },
        "run1",
      ),
      urls: { loki: stores.url, mimir: stores.url, tempo: stores.url, otlp: stores.url },
      status: `http://127.0.0.1:${port}/v1/metrics`,
      patience: 3,
    };
    const args = [
      "run",
      "--quiet",
      "--no-color",
      "--log-format",
      "raw",
      "--address",
      `127.0.0.1:${port}`,
      scriptFile,
    ];
    const environment = {
      LOAD_PLAN: JSON.stringify(plan),
      LOKI_READ: "Basic loki-read",
      LOKI_WRITE: "Basic loki-write",
      MIMIR_READ: "Basic mimir-read",
      MIMIR_WRITE: "Basic mimir-write",
      TEMPO_READ: "Basic tempo-read",
      K6_NO_USAGE_REPORT: "true",
      K6_AUTO_EXTENSION_RESOLUTION: "false",
    };
    const child = spawn(k6, args, { env: { ...process.env, ...environment } });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
    const code = await new Promise((done) => child.once("close", done));
    const found = readSummary(log);
    if (!found) throw new Error(`k6 ended with ${code} and gave no summary:\n${log.slice(-3000)}`);
    summary = found;
    expect(code, log.slice(-3000)).to.equal(0);
  });

  after(() => stores?.stop());

  /** Requests to a path, except those of the probes. */
  const load = (path: string) =>
    stores.to(path).filter((one) => !JSON.stringify([one.body, [...one.parameters]]).includes("probe"));
  const sum = (kind: Kind, what: "items" | "refused" | "errors") =>
    summary.steps.reduce((all, step) => all + (step[kind]?.[what] ?? 0), 0);

  it("accepts the plan of any options", () => {
    const only = { logs: 0, series: 0, spans: 5, queries: 0, steps: 1, duration: 10 };
    for (const some of [plan, planOf(settingsOf("dev"), only)]) {
      const args = ["inspect", "--include-system-env-vars", scriptFile];
      const { status, stdout, stderr } = spawnSync(k6, args, {
        encoding: "utf8",
        env: { ...process.env, LOAD_PLAN: JSON.stringify(some) },
      });
      expect(status, stderr).to.equal(0);
      expect(JSON.parse(stdout).scenarios).to.include.keys(Object.keys(some.kinds));
    }
  });

  it("uses only existing endpoints of the stores", () => {
    expect(stores.asked.filter(({ status }) => status === 404).map(({ path }) => path)).to.deep.equal([]);
  });

  it("writes lines in the form of Loki's push API, a batch in each request", () => {
    for (const { body } of load("/loki/api/v1/push")) {
      const [{ stream, values }] = body.streams;
      expect(stream).to.deep.include({ job: "obs-load", run: "run1" });
      expect(values).to.have.length(plan.kinds.logs?.batch ?? 0);
      expect(values[0][0]).to.match(/^\d{19}$/);
      expect(values[0][1]).to.match(/^level=info /);
    }
  });

  it("writes gauges as OTLP, each series once per interval", () => {
    const batches = load("/otlp/v1/metrics").map(
      ({ body }) => body.resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints,
    );
    expect(batches[0]).to.have.length(plan.kinds.metrics?.batch ?? 0);
    // biome-ignore lint/suspicious/noExplicitAny: OTLP's JSON
    const series = batches.flat().map((point: any) => Number(point.attributes[1].value.stringValue));
    expect(new Set(series).size).to.be.greaterThan(100);
    expect(Math.max(...series)).to.be.lessThan(600);
    expect(batches[0][0].timeUnixNano).to.match(/^\d{19}$/);
  });

  it("writes traces as OTLP, a root and its children in each", () => {
    const [request] = load("/v1/traces");
    const { spans } = request?.body.resourceSpans[0].scopeSpans[0] ?? {};
    expect(spans).to.have.length(plan.kinds.traces?.batch ?? 0);
    for (const [index, span] of spans.entries()) {
      expect(span.traceId).to.match(/^[0-9a-f]{32}$/);
      expect(span.spanId).to.match(/^[0-9a-f]{16}$/);
      const root = spans[index - (index % 10)];
      expect(span.traceId).to.equal(root.traceId);
      expect(span.parentSpanId).to.equal(index % 10 ? root.spanId : undefined);
    }
    expect(request?.headers).not.to.have.any.keys("x-scope-orgid", "authorization");
  });

  it("queries its own data in each language", () => {
    const queries = (path: string, name: string) =>
      new Set(load(path).map(({ parameters }) => parameters.get(name)));
    expect(queries("/loki/api/v1/query_range", "query")).to.have.keys(
      '{job="obs-load", run="run1"} |= "status=500"',
      'sum by (stream) (rate({job="obs-load", run="run1"}[1m]))',
    );
    expect(queries("/prometheus/api/v1/query_range", "query")).to.have.keys(
      'avg(obs_load{run="run1"})',
      'quantile(0.95, avg_over_time(obs_load{run="run1"}[1m]))',
    );
    expect(queries("/api/search", "q")).to.have.keys(
      '{ resource.service.name = "obs-load" && span.run = "run1" }',
    );
  });

  it("writes as a writer and reads as a reader, and sets no tenant", () => {
    const users = (path: string) => [
      ...new Set(stores.to(path).map(({ headers }: Asked) => headers.authorization)),
    ];
    expect(users("/loki/api/v1/push")).to.deep.equal(["Basic loki-write"]);
    expect(users("/loki/api/v1/query_range")).to.deep.equal(["Basic loki-read"]);
    expect(users("/otlp/v1/metrics")).to.deep.equal(["Basic mimir-write"]);
    expect(users("/prometheus/api/v1/query_range")).to.deep.equal(["Basic mimir-read"]);
    expect(users("/api/search")).to.deep.equal(["Basic tempo-read"]);
    for (const path of ["/loki/api/v1/push", "/otlp/v1/metrics", "/api/search"])
      for (const { headers } of stores.to(path)) expect(headers).not.to.have.any.keys("x-scope-orgid");
  });

  it("counts accepted, rejected and failed requests separately", () => {
    const batch = plan.kinds.logs?.batch ?? 0;
    expect([sum("logs", "refused"), sum("logs", "errors")]).to.deep.equal([batch, batch]);
    expect(summary.words.logs).to.match(/^(429|500) \{\}$/);
    expect(sum("logs", "items")).to.equal((load("/loki/api/v1/push").length - 2) * batch);
    for (const kind of kinds.filter((one) => one !== "logs")) {
      expect(sum(kind, "items"), kind).to.be.greaterThan(0);
      expect([sum(kind, "refused"), sum(kind, "errors")], kind).to.deep.equal([0, 0]);
      expect(summary.answer[kind]?.p99, kind).to.be.greaterThan(0);
    }
  });

  it("sends more in the second step", () => {
    for (const kind of ["metrics", "traces"] as const)
      expect(summary.steps[1]?.[kind]?.items, kind).to.be.greaterThan(summary.steps[0]?.[kind]?.items ?? 0);
  });

  it("finds the marked signals again, and counts the one that cannot be found", () => {
    const { logs, metrics, traces } = summary.visible;
    expect(logs?.lost).to.equal(1);
    expect([metrics?.lost, traces?.lost]).to.deep.equal([0, 0]);
    for (const times of [logs, metrics, traces]) {
      expect(times?.count).to.be.greaterThan(2);
      expect(times?.p50).to.be.greaterThan(0);
    }
  });

  it("reports each step when it ends", () => {
    const told = readSteps(log);
    expect(told.map(({ step }) => step)).to.deep.equal([1, 2]);
    expect(told[0]?.kinds.metrics?.items).to.be.greaterThan(0);
    expect(told[0]?.kinds.logs?.refused).to.equal(plan.kinds.logs?.batch);
  });
});
