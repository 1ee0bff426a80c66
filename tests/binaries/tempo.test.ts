/** The real Tempo: it accepts the chart's configuration, enforces the limits of the settings, and separates tenants. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { until } from "../../cli/lib/poll";
import { releases, s3Env } from "../../names";
import { alloyFile } from "../../values/alloy";
import { tempoValues } from "../../values/tempo";
import { find, renderStack, targetsOf } from "../support/rendered";
import { azureStorage, externalS3, gcsStorage, identityS3, settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";
import { counted, push, requestsOf, type Span, Tempo } from "../support/traces";

const stacks: Record<string, Record<string, unknown>> = {
  dev: { environment: "dev" },
  prod: { environment: "prod" },
  "prod with S3 by identity": { environment: "prod", objectStorage: identityS3 },
  "prod with Google Cloud Storage": { environment: "prod", objectStorage: gcsStorage },
  "prod with Azure Blob Storage": { environment: "prod", objectStorage: azureStorage },
  "prod with external S3": {
    environment: "prod",
    objectStorage: { kind: "external", external: externalS3 },
  },
  "prod with tenants that have limits of their own": {
    environment: "prod",
    tempo: { tenants: { traces: { rate: "30MB/s", burst: "60MB/s" }, guests: { retention: "7d" } } },
  },
  "prod where Alloy samples and counts": {
    environment: "prod",
    tracing: { sampling: { appliedBy: "collector" }, metricsFrom: "alloy" },
  },
};

describe("binaries: Tempo validates its configuration", function () {
  this.timeout(120_000);
  let tempo: string;
  let folder: string;

  before(async function () {
    await needsCharts(this);
    [tempo = ""] = needs(this, "tempo");
    folder = mkdtempSync(join(tmpdir(), "observability-tempo-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const filesOf = async (config: Record<string, unknown>) => {
    const stack = await renderStack(config);
    return {
      stack,
      config: find(stack, "ConfigMap", "tempo-config")["data"]["tempo.yaml"] as string,
      overrides: find(stack, "ConfigMap", "tempo-runtime")["data"]["overrides.yaml"] as string,
    };
  };

  /** Tempo's validation of its configuration: it exits afterward. */
  const verify = (text: string, ...args: string[]) => {
    const file = join(folder, "tempo.yaml");
    writeFileSync(file, text);
    const all = [...args, `-config.file=${file}`, "-config.expand-env=true", "-config.verify=true"];
    const { status, stdout, stderr } = spawnSync(tempo, all, {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        [s3Env.accessKey]: "an-access-key",
        [s3Env.secretKey]: "a-secret-key",
      },
    });
    return { status, words: `${stdout}${stderr}` };
  };

  for (const [name, config] of Object.entries(stacks)) {
    it(`of ${name}, in each component with its own arguments`, async () => {
      const files = await filesOf(config);
      const components = targetsOf(files.stack, releases.tempo);
      expect(components).to.have.length(6);
      for (const args of components) {
        const own = args.filter((arg) => !arg.startsWith("-config."));
        const { status, words } = verify(files.config, ...own);
        expect(status, `${args.join(" ")}: ${words}`).to.equal(0);
      }
    });

    it(`of ${name}, with the limits of the settings`, async () => {
      const { config: text, overrides } = await filesOf(config);
      const values = tempoValues(settingsOf(config["environment"] as "dev" | "prod", config));
      expect(parse(text).overrides).to.deep.equal(values["overrides"]);
      expect(parse(overrides)).to.deep.equal({ overrides: values["per_tenant_overrides"] });
    });
  }

  it("and rejects an unknown setting", async () => {
    const { config } = await filesOf({ environment: "prod" });
    const { status, words } = verify(config.replace("span_multiplier_key:", "span_multiplier:"));
    expect(status).not.to.equal(0);
    expect(words).to.include("field span_multiplier not found");
  });

  it("and has the buckets of Alloy's histograms", async () => {
    const { processor } = parse((await filesOf({ environment: "prod" })).config).metrics_generator;
    const seconds = (text: string) =>
      text.endsWith("ms") ? Number.parseFloat(text) / 1000 : Number.parseFloat(text);
    const [spans, edges] = [...alloyFile("traces/measure/alloy.alloy").matchAll(/buckets *= (\[.*\])/g)].map(
      ([, list]) => (JSON.parse(list ?? "") as string[]).map(seconds),
    );
    expect(processor.span_metrics.histogram_buckets).to.deep.equal(spans);
    expect(processor.service_graphs.histogram_buckets).to.deep.equal(edges);
  });
});

describe("binaries: Tempo enforces its limits, and separates its tenants", function () {
  this.timeout(120_000);
  let folder: string;
  let tempo: Tempo;

  const limits = { rate: "100KB/s", burst: "200KB/s", traceSize: "20Ki", liveTraces: 1000 };
  const own = { own: { traceSize: "100Ki", liveTraces: 10, retention: "7d" } };

  before(async function () {
    const [program = ""] = needs(this, "tempo");
    this.timeout(120_000);
    folder = mkdtempSync(join(tmpdir(), "observability-tempo-"));
    const settings = settingsOf("dev", { tempo: { limits, tenants: { traces: {}, ...own } } });
    tempo = await Tempo.start(program, join(folder, "tempo"), settings);
  });

  after(async () => {
    await tempo?.stop("SIGKILL");
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Spans of slightly more than a thousand bytes; all in one trace if it is given. */
  const spansOf = (name: string, count: number, trace?: string): Span[] =>
    requestsOf(name, count).map(({ client }) => ({
      ...client,
      ...(trace && { trace }),
      attributes: { case: name, filler: "x".repeat(1000) },
    }));
  const write = (tenant: string, spans: Span[]) => push(tempo.http, spans, { "X-Scope-OrgID": tenant });
  const accept = async (tenant: string, spans: Span[]) => {
    const { status, body } = await write(tenant, spans);
    expect(status, body).to.equal(200);
  };
  const discarded = (tenant: string, reason: string) =>
    counted(tempo.url, "tempo_discarded_spans_total", { tenant, reason });
  /** Number of spans in a stored trace. */
  const stored = async (tenant: string, trace: string) => {
    const { status, body } = await tempo.ask(tenant, `/api/traces/${trace}`);
    return status === 200 ? body.split('"spanId"').length - 1 : 0;
  };
  const [first = "", second = ""] = requestsOf("trace", 2).map(({ trace }) => trace);

  it("responds to the path of its liveness probe", async () => {
    const { livenessProbe } = tempoValues(settingsOf("prod"))["tempo"] as {
      livenessProbe: { httpGet: { path: string } };
    };
    expect((await fetch(`${tempo.url}${livenessProbe.httpGet.path}`)).status).to.equal(200);
  });

  it("accepts a burst and rejects the spans right after it, until the rate allows them", async () => {
    await accept("fast", spansOf("one", 150));
    const refused = await write("fast", spansOf("two", 150));
    expect(refused.status).to.equal(429);
    expect(refused.body).to.include("RATE_LIMITED: ingestion rate limit");
    expect(await discarded("fast", "rate_limited")).to.equal(150);
    await until(20, "the second push", async () =>
      (await write("fast", spansOf("two", 150))).status === 200 ? true : undefined,
    );
  });

  it("rejects a push that is larger than the burst", async () => {
    const { status, body } = await write("large", spansOf("one", 300));
    expect(status).to.equal(429);
    expect(body).to.include("RATE_LIMITED: batch size");
  });

  it("discards spans beyond the maximum size of a trace, and counts them", async () => {
    await accept("deep", spansOf("one", 15, first));
    await accept("deep", [...spansOf("two", 15, first), ...spansOf("three", 1, second)]);
    expect(await discarded("deep", "trace_too_large")).to.equal(15);
    expect([await stored("deep", first), await stored("deep", second)]).to.deep.equal([15, 1]);
  });

  it("applies a tenant's own limits", async () => {
    await accept("own", spansOf("one", 50, first));
    expect(await discarded("own", "trace_too_large")).to.equal(0);
    expect(await stored("own", first)).to.equal(50);
    await accept("own", spansOf("many", 20));
    // The previous trace may have been closed by then.
    expect(await discarded("own", "live_traces_exceeded")).to.be.within(10, 11);
    const { status, body } = await write("own", spansOf("two", 300));
    expect(status, body).to.equal(429);
  });

  it("merges a tenant's own limits with the defaults", async () => {
    const limitsOf = async (path: string) => {
      const { body } = await tempo.ask(undefined, `/status/runtime_config${path}`);
      return parse(body.slice(body.indexOf("---")));
    };
    const { defaults, overrides } = await limitsOf("");
    expect(Object.keys(overrides)).to.deep.equal(["own"]);
    const inCommon = ["rate_strategy", "rate_limit_bytes", "burst_size_bytes", "retry_info_enabled"];
    for (const limit of inCommon)
      expect(overrides.own.ingestion[limit], limit).to.equal(defaults.ingestion[limit]);
    const { processors, trace_id_label_name } = defaults.metrics_generator;
    expect(overrides.own.metrics_generator).to.deep.include({ trace_id_label_name });
    expect(overrides.own.metrics_generator.processors).to.have.members(processors);
    expect(overrides.own.compaction.block_retention).to.equal("1w");
  });

  it("shows a tenant only its own traces, and nothing without a tenant", async () => {
    await accept("nodes", spansOf("mine", 1, first));
    await accept("pods", spansOf("mine", 1, second));
    const query = '{ span.case = "mine" }';
    await until(30, "both", async () => {
      const found = [await tempo.search("nodes", query), await tempo.search("pods", query)];
      return found.every(({ length }) => length) ? found : undefined;
    }).then((found) => expect(found).to.deep.equal([[first], [second]]));
    expect(await stored("nodes", second)).to.equal(0);
    expect(await stored("pods", first)).to.equal(0);
    expect((await tempo.ask(undefined, `/api/traces/${first}`)).status).to.equal(401);
    expect((await tempo.ask(undefined, "/api/search?q={}")).status).to.equal(401);
    const refused = await push(tempo.http, spansOf("nobody's", 1));
    expect(refused.status).to.equal(503);
    expect(refused.body).to.include("no org id");
  });

  it("finds spans by their own time, even if they arrive hours later", async () => {
    const [span] = spansOf("late", 1);
    if (!span) throw new Error("no span");
    const ago = 6 * 3600;
    await accept("late", [{ ...span, ago }]);
    const at = Math.floor(Date.now() / 1000) - ago;
    const range = { q: '{ span.case = "late" }', start: `${at - 600}`, end: `${at + 600}` };
    await until(30, "the late span in a block", async () => {
      expect((await tempo.ask("late", "/flush")).status).to.equal(204);
      const { body } = await tempo.ask("late", `/api/search?${new URLSearchParams(range)}`);
      return body.includes('"traceID"') ? true : Promise.reject(new Error(body));
    });
  });
});
