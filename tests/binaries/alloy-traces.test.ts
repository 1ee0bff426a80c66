import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { root } from "../../cli/lib/stack-config";
import { gatewayUser, tenants } from "../../names";
import type { Settings } from "../../settings";
import { alloyTracesEnvironment, alloyTracesPipeline, alloyTracesValues } from "../../values/alloy-traces";
import { instrumentationObject } from "../../values/instrumentation";
import { expectFormatted, validate } from "../support/alloy";
import { Gateway, needsNginx } from "../support/gateway";
import { Mimir } from "../support/mimir";
import type { Labels } from "../support/remote-write";
import { type Config, settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import {
  counted,
  push,
  type Replica,
  type Request,
  requestsOf,
  sampled,
  send,
  stability,
  startReplicas,
  Tempo,
} from "../support/traces";

const sources = join(root, "values", "alloy", "traces");
const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".alloy"),
);

const byCollector = (services: Record<string, number>) => ({
  tracing: { sampling: { appliedBy: "collector", services }, metricsFrom: "alloy" },
});
/** All combinations of sampling and span metrics in the settings. */
const ways: Record<string, Config> = {
  "SDKs sample, metrics from Tempo": {},
  "no sampler, metrics from Tempo": { tracing: { sampling: { ratio: 1 } } },
  "no sampler, metrics from Alloy": { tracing: { sampling: { ratio: 1 }, metricsFrom: "alloy" } },
  "Alloy samples, metrics from Alloy": byCollector({}),
  "Alloy samples by service, metrics from Alloy": byCollector({
    billing: 0.5,
    'a "quoted" $& one': 0,
    search: 1,
  }),
};

describe("binaries: Alloy's trace pipeline", function () {
  this.timeout(120_000);
  let alloy: string;
  let folder: string;

  before(function () {
    [alloy = ""] = needs(this, "alloy");
    folder = mkdtempSync(join(tmpdir(), "observability-alloy-traces-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const checked = (settings: Settings, text: string) =>
    validate(
      alloy,
      folder,
      text,
      { POD_NAME: "replica-0", ...alloyTracesEnvironment(settings) },
      stability(settings),
    );

  for (const file of files)
    it(`${file} has the format of Alloy's formatter`, () => {
      expectFormatted(alloy, join(sources, file));
    });

  for (const [way, config] of Object.entries(ways))
    it(`is accepted with: ${way}; and reads its whole environment`, () => {
      const settings = settingsOf("prod", config);
      const pipeline = alloyTracesPipeline(settings);
      const { status, words } = checked(settings, pipeline);
      expect(status, words).to.equal(0);
      const read = [...pipeline.matchAll(/sys\.env\("(\w+)"\)/g)].map(([, name]) => name);
      const { extraEnv } = alloyTracesValues(settings)["alloy"] as { extraEnv: { name: string }[] };
      // Go itself reads the last one.
      const given = extraEnv.map(({ name }) => name).filter((name) => name !== "GOMEMLIMIT");
      expect([...new Set(read)]).to.have.members(given);
      for (const service of Object.keys(settings.tracing.sampling.services))
        expect(pipeline).to.include(`[${JSON.stringify(service)}]`);
    });

  const misspelled: [way: string, right: string, wrong: string][] = [
    ["SDKs sample, metrics from Tempo", "max_elapsed_time", "max_elapsing_time"],
    ["Alloy samples, metrics from Alloy", "decision_wait", "decision_waits"],
    ["Alloy samples, metrics from Alloy", "sampling_percentage", "sampling_percent"],
    ["no sampler, metrics from Alloy", "metrics_flush_interval", "metrics_flushing"],
  ];
  for (const [way, right, wrong] of misspelled)
    it(`is rejected with ${wrong} instead of ${right}`, () => {
      const settings = settingsOf("prod", ways[way]);
      const { status, words } = checked(settings, alloyTracesPipeline(settings).replace(right, wrong));
      expect(status).not.to.equal(0);
      expect(words).to.include(wrong);
    });
});

describe("binaries: traces through two Alloys", function () {
  this.timeout(300_000);
  let alloy: string;
  let program: string;
  let folder: string;
  let mimir: Mimir;
  let mimirGateway: Gateway;
  const running: Running[] = [];
  /** Both combinations, with the spans sent to them. */
  let bySdk: Running;
  let byAlloy: Running;

  /** Alloys and their Tempo. */
  interface Running {
    settings: Settings;
    tempo: Tempo;
    gateway: Gateway;
    replicas: Replica[];
  }

  const requests = requestsOf("by-sdk", 10_000);
  let kept: Request[];
  const healthy = requestsOf("healthy", 10_000);
  const failed = requestsOf("failed", 1000, { failed: true });
  const slow = requestsOf("slow", 200, { seconds: 2.5 });
  const half = requestsOf("half", 2000, { from: "desk", to: "billing" });
  const none = requestsOf("none", 500, { from: "desk", to: "probes" });
  const noneButFailed = requestsOf("none-but-failed", 100, { from: "desk", to: "probes", failed: true });
  const sampledBefore = requestsOf("sampled-before", 200, {
    from: "desk",
    to: "probes",
    attributes: { "sampling.ratio": "0.5" },
  });

  before(async function () {
    let mimirProgram = "";
    [alloy = "", program = "", mimirProgram = ""] = needs(this, "alloy", "tempo", "mimir");
    needsNginx(this);
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), "observability-traces-"));
    mimir = await Mimir.start(mimirProgram, join(folder, "mimir"), settingsOf("dev"));
    mimirGateway = await Gateway.start(join(folder, "mimir-gateway"), {
      store: "mimir",
      settings: settingsOf("dev"),
      at: () => new URL(mimir.url).host,
    });
    bySdk = await start("by-sdk", {
      // The queue during an outage of Tempo is larger than the ingestion burst.
      tempo: {
        limits: { rate: "500KB/s", burst: "500KB/s" },
        tenants: { traces: {}, guests: { rate: "15MB/s", burst: "20MB/s" } },
      },
    });
    byAlloy = await start("by-alloy", byCollector({ billing: 0.5, probes: 0 }));
    kept = sampled(requests, instrumentationObject(bySdk.settings).spec.sampler);
    await request(bySdk, kept);
    await request(byAlloy, [
      ...healthy,
      ...slow,
      ...half,
      ...none,
      ...noneButFailed,
      ...sampledBefore,
      ...failed,
    ]);
    // By then Alloy has decided on all earlier traces.
    await stored(byAlloy, "failed", failed.length);
    await wait(2000);
  });

  after(async () => {
    await Promise.all(running.flatMap(({ replicas }) => replicas).map(({ server }) => server.stop()));
    await Promise.all(running.map(({ gateway }) => gateway.stop()));
    await Promise.all(running.map(({ tempo }) => tempo.stop("SIGKILL")));
    await mimirGateway?.stop();
    await mimir?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** Starts replicas with the settings of prod and others, and a Tempo unless one is given. */
  const start = async (
    cluster: string,
    config: Config,
    more: { tempo?: Tempo; tenant?: string; buffer?: number } = {},
  ) => {
    const settings = settingsOf("prod", { ...config, cluster: { name: cluster } });
    const tempo =
      more.tempo ?? (await Tempo.start(program, join(folder, `tempo-${cluster}`), settings, mimirGateway));
    const user = gatewayUser(more.tenant ?? tenants.traces, "write");
    const gateway = await Gateway.start(join(folder, `gateway-${cluster}`), {
      store: "tempo",
      settings,
      at: tempo.at,
    });
    const one: Running = { settings, tempo, gateway, replicas: [] };
    running.push(one);
    one.replicas = await startReplicas(alloy, join(folder, `alloy-${cluster}`), settings, {
      TEMPO_URL: gateway.url,
      TEMPO_USER: user,
      TEMPO_PASSWORD_FILE: gateway.passwordFile(user),
      MIMIR_URL: mimirGateway.url,
      MIMIR_PASSWORD_FILE: mimirGateway.passwordFile(gatewayUser(tenants.pods, "write")),
      ...(more.buffer && { BUFFER: String(more.buffer) }),
    });
    expect(one.replicas).to.have.length(2);
    return one;
  };

  /** Sends the spans of requests as two services do: each its own, and here to different replicas. */
  const request = async ({ replicas: [one, other] }: Running, some: Request[]) => {
    for (let from = 0; from < some.length; from += 1000) {
      const part = some.slice(from, from + 1000);
      const [clients, servers] = [part.map(({ client }) => client), part.map(({ server }) => server)];
      await Promise.all([send(one?.http ?? "", clients), send(other?.http ?? "", servers)]);
    }
  };

  /** A number as soon as it reaches the expected one, or its last value. */
  const reaching = async (expected: number, number: () => Promise<number>) => {
    let last = 0;
    await until(120, "", async () => {
      last = await number();
      return last >= expected ? last : undefined;
    }).catch(() => undefined);
    return last;
  };

  const selector = ({ settings }: Running, metric: string, labels: Labels = {}) => {
    const matchers = Object.entries({ ...labels, cluster: settings.cluster.name });
    return `${metric}{${matchers.map(([label, value]) => `${label}="${value}"`).join()}}`;
  };
  /** Mimir's counters for a cluster; it had no data before, so their values are their increase. */
  const total = (one: Running, metric: string, labels: Labels, expected: number) =>
    // Each tenth request counts ten times, which is not exact in binary.
    reaching(expected - 0.5, async () => {
      const found = await mimir.query(tenants.pods, `sum(${selector(one, metric, labels)})`);
      return found[0]?.value ?? 0;
    });

  /** IDs of the stored traces of requests, once there are as many as expected. */
  const stored = async ({ tempo }: Running, name: string, expected: number) => {
    let found: string[] = [];
    await reaching(expected, async () => {
      found = await tempo.search(tenants.traces, `{ span.case = "${name}" }`);
      return found.length;
    });
    return found;
  };
  const idsOf = (some: Request[]) => some.map(({ trace }) => trace);

  const ofServers = { service: "cart", span_kind: "SPAN_KIND_SERVER" };
  const ofEdge = { client: "shop", server: "cart" };
  const rates: [metric: string, labels: Labels][] = [
    ["traces_spanmetrics_calls_total", ofServers],
    ["traces_spanmetrics_latency_count", ofServers],
    ["traces_service_graph_request_total", ofEdge],
    ["traces_service_graph_request_server_seconds_count", ofEdge],
  ];

  describe("if SDKs sample and Tempo generates metrics", () => {
    it("stores a tenth of the traces: all that the SDKs send", async () => {
      const found = await stored(bySdk, "by-sdk", kept.length);
      expect(found).to.have.members(idsOf(kept));
      expect(found.length / requests.length).to.be.closeTo(0.1, 0.01);
    });

    for (const [metric, labels] of rates)
      it(`counts all requests in ${metric}, although it receives a tenth of them`, async () => {
        const value = await total(bySdk, metric, labels, kept.length * 10);
        expect(value).to.be.closeTo(requests.length, requests.length * 0.05);
      });
  });

  describe("if Alloy samples and generates metrics", () => {
    it("stores a tenth of the healthy traces", async () => {
      const found = await stored(byAlloy, "healthy", healthy.length * 0.09);
      expect(found.length / healthy.length).to.be.closeTo(0.1, 0.01);
    });

    it("stores every failed and every slow one", async () => {
      for (const [name, all] of Object.entries({ failed, slow, "none-but-failed": noneButFailed }))
        expect(await stored(byAlloy, name, all.length), name).to.have.members(idsOf(all));
    });

    it("applies the ratios of single services", async () => {
      const found = await stored(byAlloy, "half", half.length * 0.45);
      expect(found.length / half.length).to.be.closeTo(0.5, 0.05);
      expect(await stored(byAlloy, "none", 0)).to.deep.equal([]);
    });

    it("stores every trace of a source that sampled before", async () => {
      const found = await stored(byAlloy, "sampled-before", sampledBefore.length);
      expect(found).to.have.members(idsOf(sampledBefore));
    });

    it("stores both ends of each", async () => {
      const whole = "{ span:kind = client } && { span:kind = server }";
      const all = await byAlloy.tempo.search(tenants.traces, "{ }");
      expect(await byAlloy.tempo.search(tenants.traces, whole)).to.have.members(all);
    });

    const sent = healthy.length + failed.length + slow.length;
    for (const [metric, labels] of rates)
      it(`counts all requests in ${metric}, before it samples`, async () => {
        expect(await total(byAlloy, metric, labels, sent)).to.equal(sent);
      });

    it("counts the failed ones", async () => {
      const errors = { ...ofServers, status_code: "STATUS_CODE_ERROR" };
      expect(await total(byAlloy, "traces_spanmetrics_calls_total", errors, failed.length)).to.equal(1000);
      const edges = await total(byAlloy, "traces_service_graph_request_failed_total", ofEdge, failed.length);
      expect(edges).to.equal(1000);
    });

    it("routes all spans of a trace to one replica, and about as many to each", async () => {
      // An edge joins two spans in the same Alloy; one without a peer becomes an edge to a virtual node.
      const all = sent + half.length + none.length + noneButFailed.length + sampledBefore.length;
      await total(byAlloy, "traces_service_graph_request_total", {}, all);
      const edges = selector(byAlloy, "traces_service_graph_request_total");
      const counts = await mimir.query(tenants.pods, `sum by (collector, connection_type) (${edges})`);
      expect(counts.map(({ labels }) => labels)).to.have.deep.members([
        { collector: "replica-0" },
        { collector: "replica-1" },
      ]);
      for (const { value } of counts) expect(value / all).to.be.closeTo(0.5, 0.1);
      expect(counts.reduce((sum, { value }) => sum + value, 0)).to.equal(all);
    });

    it("stores large spans, and many of them at once", async () => {
      // An exception's stack trace has kilobytes.
      const large = requestsOf("large", 1000, { failed: true }).map(({ client }) => ({
        ...client,
        service: "desk",
        attributes: { case: "large", "exception.stacktrace": "at shop.Cart.add\n".repeat(600) },
      }));
      const { status, body } = await push(byAlloy.replicas[0]?.http ?? "", large);
      expect(status, body).to.equal(200);
      expect(await stored(byAlloy, "large", large.length)).to.have.length(large.length);
    });
  });

  describe("with metrics from Tempo or from Alloy", () => {
    /** Labels that only identify the source. */
    const own = ["cluster", "__metrics_gen_instance", "collector"];
    const histogram = (name: string) => ["_bucket", "_sum", "_count"].map((part) => `${name}${part}`);
    const metrics = [
      "traces_spanmetrics_calls_total",
      ...histogram("traces_spanmetrics_latency"),
      "traces_service_graph_request_total",
      ...histogram("traces_service_graph_request_server_seconds"),
      ...histogram("traces_service_graph_request_client_seconds"),
    ];
    const labelsOf = async (one: Running, metric: string) => {
      const narrow = metric.includes("graph") ? ofEdge : { status_code: "STATUS_CODE_UNSET" };
      const found = (await mimir.query(tenants.pods, selector(one, metric, narrow))).map(({ labels }) =>
        Object.entries(labels)
          .filter(([label]) => !own.includes(label) && label !== "le")
          .sort(),
      );
      return new Set(found.map((labels) => JSON.stringify(Object.fromEntries(labels))));
    };

    for (const metric of metrics)
      it(`${metric} has the same labels`, async () => {
        await total(bySdk, metric, {}, 1);
        await total(byAlloy, metric, {}, 1);
        // Tempo writes the metrics of several tenants to one, so they have the tenant.
        const tenant = `,"tenant":"${tenants.traces}"`;
        const written = [...(await labelsOf(bySdk, metric))];
        expect(written.filter((labels) => !labels.includes(tenant))).to.deep.equal([]);
        const ofTempo = written.map((labels) => labels.replace(tenant, ""));
        const ofAlloy = [...(await labelsOf(byAlloy, metric))]
          .filter((labels) => !/desk|billing|probes/.test(labels))
          // Alloy's additional label of the count of failed requests.
          .map((labels) => labels.replace(/"failed":"\w+",/, ""));
        expect(ofTempo).not.to.deep.equal([]);
        expect([...new Set(ofAlloy)]).to.have.members(ofTempo);
      });

    for (const [who, one] of Object.entries({ Tempo: () => bySdk, Alloy: () => byAlloy }))
      it(`${who}'s exemplars link to a trace that was sent`, async () => {
        const range = { start: `${Date.now() / 1000 - 900}`, end: `${Date.now() / 1000 + 60}` };
        const query = selector(one(), "traces_spanmetrics_latency_bucket", ofServers);
        const path = `query_exemplars?${new URLSearchParams({ query, ...range })}`;
        const found = await until(60, "an exemplar", async () => {
          const series = (await mimir.data(tenants.pods, path)) as { exemplars: { labels: Labels }[] }[];
          return series.flatMap(({ exemplars }) => exemplars)[0]?.labels;
        });
        expect(
          idsOf([...kept, ...healthy, ...failed, ...slow, ...half, ...none, ...noneButFailed]),
        ).to.include(found["trace_id"]);
      });
  });

  describe("while Tempo is unavailable", () => {
    const sent: Request[] = [];
    let few: Running;
    let spans = 0;

    before(async () => {
      const { tempo } = bySdk;
      const config = { tempo: { tenants: { traces: {}, guests: {} } } };
      few = await start("few", config, { tempo, tenant: "guests", buffer: 1_000_000 });
      let loading = true;
      const load = async () => {
        for (let round = 0; loading; round++) {
          const some = requestsOf(`round-${round}`, 20);
          await request(bySdk, some);
          sent.push(...some);
          // A batch of its own, all of it in one trace.
          const trace = some[0]?.trace ?? "";
          const batch = requestsOf(`batch-${round}`, 1000).map(({ client }) => ({ ...client, trace }));
          await send(few.replicas[0]?.http ?? "", batch);
          spans += batch.length;
          await wait(250);
        }
      };
      const done = load();
      await wait(3000);
      await tempo.stop();
      await wait(20_000);
      await tempo.run();
      await wait(3000);
      loading = false;
      await done;
    });

    const ofExporter = async ({ replicas }: Running, outcome: string) => {
      const name = `otelcol_exporter_${outcome}_spans_total`;
      const labels = { component_id: "otelcol.exporter.otlphttp.tempo" };
      const counts = await Promise.all(replicas.map(({ url }) => counted(url, name, labels)));
      return counts.reduce((sum, count) => sum + count, 0);
    };

    it("loses nothing that fits into the queue", async () => {
      let found: string[] = [];
      await reaching(sent.length, async () => {
        found = await bySdk.tempo.search(tenants.traces, '{ span.case =~ "round-.*" }');
        return found.length;
      });
      expect(found).to.have.members(idsOf(sent));
      expect(await ofExporter(bySdk, "sent")).to.equal((kept.length + sent.length) * 2);
      expect(await ofExporter(bySdk, "enqueue_failed")).to.equal(0);
    });

    it("keeps its queue on the volume when it is killed", async () => {
      const waiting = requestsOf("killed", 500);
      await bySdk.tempo.stop();
      await request(bySdk, waiting);
      const queued = async () => {
        const sizes = bySdk.replicas.map(({ url }) =>
          counted(url, "otelcol_exporter_queue_size", { component_id: "otelcol.exporter.otlphttp.tempo" }),
        );
        return (await Promise.all(sizes)).every((size) => size > 0);
      };
      await until(60, "spans in both queues", async () => ((await queued()) ? true : undefined));
      await wait(3000);
      await Promise.all(bySdk.replicas.map(({ server }) => server.stop("SIGKILL")));
      await Promise.all(bySdk.replicas.map(({ restart }) => restart()));
      await bySdk.tempo.run();
      expect(await stored(bySdk, "killed", waiting.length)).to.have.members(idsOf(waiting));
    });

    it("counts spans that do not fit into the queue", async () => {
      const dropped = await ofExporter(few, "enqueue_failed");
      expect(dropped).to.be.within(1000, spans - 1000);
      const delivered = spans - dropped;
      expect(await reaching(delivered, () => ofExporter(few, "sent"))).to.equal(delivered);
      const traces = async () => (await few.tempo.search("guests", "{ }")).length;
      expect(await reaching(delivered / 1000, traces)).to.equal(delivered / 1000);
    });
  });
});
