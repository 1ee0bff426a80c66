/** The real Mimir: it accepts the chart's configuration, enforces the limits of the settings, and separates tenants. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { parse } from "yaml";
import { until } from "../../cli/lib/poll";
import { releases, s3Env, tenants } from "../../names";
import { hasKeys, storageApi } from "../../values/object-storage";
import { Mimir, onLoopback } from "../support/mimir";
import { everyIntegration } from "../support/receivers";
import type { Labels, Series } from "../support/remote-write";
import { find, renderStack, targetsOf } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { azureStorage, externalS3, gcsStorage, identityS3, settingsOf } from "../support/stacks";
import { needs, needsCharts } from "../support/tools";

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
    mimir: {
      tenants: {
        pods: { series: 2_000_000, samplesPerSecond: 200_000, burst: 300_000 },
        guests: { retention: "30d" },
      },
    },
  },
};

/** Overrides of these tenants, in Mimir's own names. */
const own: Record<string, Record<string, object>> = {
  "prod with tenants that have limits of their own": {
    pods: { max_global_series_per_user: 2_000_000, ingestion_rate: 200_000, ingestion_burst_size: 300_000 },
    guests: { compactor_blocks_retention_period: "30d" },
  },
};

/** Overrides of the rollup tenants in each of these. */
const rolled = {
  // Its retention is the default, so it is not an override.
  "rollup-5m": { ruler_evaluation_delay_duration: "10m", ingestion_burst_size: 1_000_000 },
  "rollup-1h": { compactor_blocks_retention_period: "2y", ingestion_burst_size: 1_000_000 },
};

describe("binaries: Mimir validates its configuration", function () {
  this.timeout(120_000);
  let mimir: string;
  let folder: string;

  before(async function () {
    await needsCharts(this);
    [mimir = ""] = needs(this, "mimir");
    folder = mkdtempSync(join(tmpdir(), "observability-mimir-"));
  });

  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const environment = { [s3Env.accessKey]: "an-access-key", [s3Env.secretKey]: "a-secret-key" };

  /** Writes the chart's files to the folder. */
  const lay = async (config: Record<string, unknown>, change = (text: string) => text) => {
    const stack = await renderStack(config);
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    return {
      stack,
      config: file("mimir.yaml", change(find(stack, "ConfigMap", "mimir-config")["data"]["mimir.yaml"])),
      runtime: file("runtime.yaml", find(stack, "ConfigMap", "mimir-runtime")["data"]["runtime.yaml"]),
    };
  };

  /** Mimir's output when it lists its modules: before that, it validates its whole configuration. */
  const verify = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(mimir, [...args, "-modules"], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], ...environment },
    });
    return { status, words: `${stdout}${stderr}` };
  };

  for (const [name, config] of Object.entries(stacks)) {
    it(`of ${name}, in each component with its own arguments`, async () => {
      const files = await lay(config);
      const components = targetsOf(files.stack, releases.mimir);
      expect(components).to.have.length(9);
      for (const args of components) {
        const { status, words } = verify(
          ...args.map((arg) => arg.replace("/etc/mimir/mimir.yaml", files.config)),
        );
        expect(status, `${args.join(" ")}: ${words}`).to.equal(0);
      }
    });

    it(`of ${name}, and has the limits of the settings`, async () => {
      const files = await lay(config);
      const settings = settingsOf(config["environment"] as "dev" | "prod", config);
      const [http, grpc, gossip] = [await freePort(), await freePort(), await freePort()];
      const ask = async (path: string) => (await fetch(`http://127.0.0.1:${http}${path}`)).text();
      const server = await Server.start(
        mimir,
        [
          // The smallest component.
          "-target=overrides-exporter",
          `-config.file=${files.config}`,
          "-config.expand-env=true",
          `-runtime-config.file=${files.runtime}`,
          "-activity-tracker.filepath=",
          ...onLoopback(http, grpc, gossip),
        ],
        { folder, environment, ready: async () => (await ask("/ready")).startsWith("ready") },
      );
      try {
        const { limits, common, ingester } = parse(await ask("/config"));
        expect(limits).to.include({
          max_global_series_per_user: 1_000_000,
          ingestion_rate: 100_000,
          ingestion_burst_size: 100_000,
          max_global_exemplars_per_user: 100_000,
          compactor_blocks_retention_period: "1y",
          out_of_order_time_window: "2h",
        });
        expect(ingester.ring.replication_factor).to.equal(settings.mimir.replicationFactor);
        expect(common.storage.backend).to.equal(storageApi(settings));
        expect(common.storage.s3.access_key_id).to.equal(
          hasKeys(settings) ? environment[s3Env.accessKey] : "",
        );
        const { overrides = {} } = parse(await ask("/runtime_config?mode=diff"));
        // Prometheus' own samples are retained for 31 days.
        const wanted: Record<string, object> = {
          prometheus: { compactor_blocks_retention_period: "31d" },
          ...rolled,
          ...own[name],
        };
        expect(Object.keys(overrides)).to.have.members(Object.keys(wanted));
        for (const [tenant, limits] of Object.entries(wanted)) expect(overrides[tenant]).to.include(limits);
      } finally {
        await server.stop();
      }
    });
  }

  const refusals: [what: string, change: (text: string) => string, words: string][] = [
    [
      "a setting that it does not know",
      (text) => text.replace("ingestion_rate:", "ingestion_rte:"),
      "field ingestion_rte not found",
    ],
    ["a value that cannot be", (text) => text.replace("- 12h", "- 13h"), "invalid compactor config"],
    [
      "rules and blocks in one bucket",
      (text) => text.replace("bucket_name: mimir-ruler", "bucket_name: mimir-blocks"),
      "cannot be the same as the one used in blocks storage",
    ],
  ];
  for (const [what, change, words] of refusals)
    it(`and rejects ${what}`, async () => {
      const { config } = await lay({ environment: "prod" }, change);
      const verdict = verify("-target=ruler", `-config.file=${config}`, "-config.expand-env=true");
      expect(verdict.status).not.to.equal(0);
      expect(verdict.words).to.include(words);
    });
});

describe("binaries: Mimir enforces its limits, and separates its tenants", function () {
  this.timeout(120_000);
  let folder: string;
  let mimir: Mimir;
  let receiver: HttpServer;
  /** Requests that the receiver of alerts got. */
  const received: { status: string; alerts: { labels: Labels }[] }[] = [];

  before(async function () {
    const [program = ""] = needs(this, "mimir");
    receiver = createServer((request, response) => {
      let text = "";
      request.on("data", (part) => {
        text += part;
      });
      request.once("end", () => {
        received.push(JSON.parse(text));
        response.end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
    const { port } = receiver.address() as { port: number };
    const settings = settingsOf("dev", {
      alloyMetrics: { samplesPerSend: 1000 },
      mimir: {
        limits: { series: 900, samplesPerSecond: 500, burst: 1000 },
        tenants: { pods: {}, nodes: {}, own: { series: 5, burst: 2000, retention: "30d" } },
      },
      alerting: {
        // Mimir's Alertmanager loads every integration; the others get no alert.
        receivers: { ...everyIntegration.receivers, hook: { webhookUrl: `http://127.0.0.1:${port}/` } },
        smtp: everyIntegration.smtp,
        routes: [{ receivers: ["hook"] }],
        groupWait: "1s",
      },
    });
    folder = mkdtempSync(join(tmpdir(), "observability-mimir-"));
    // A tenant's first alert creates its Alertmanager, which an earlier sync may stop again: its alerts are then sent a
    // second time, after a minute by default.
    mimir = await Mimir.start(program, join(folder, "mimir"), settings, ["-ruler.resend-delay=2s"]);
  });

  after(async () => {
    await mimir?.stop();
    receiver?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** One sample in each series. */
  const seriesOf = (name: string, count: number, from = 0): Series[] =>
    Array.from({ length: count }, (_, index) => ({
      labels: { __name__: name, number: String(from + index) },
      samples: [{ value: 1 }],
    }));
  /** Samples in one series, a millisecond apart. */
  const samplesOf = (name: string, count: number): Series => ({
    labels: { __name__: name },
    samples: Array.from({ length: count }, (_, index) => ({
      value: index,
      time: Date.now() - count + index,
    })),
  });
  const counted = async (tenant: string, query: string) =>
    (await mimir.query(tenant, `count(${query})`))[0]?.value ?? 0;
  const accept = async (tenant: string, ...series: Series[]) => {
    const { status, body } = await mimir.push(tenant, ...series);
    expect(status, body).to.equal(200);
  };
  const refuse = async (status: number, words: string, tenant: string, ...series: Series[]) => {
    const answer = await mimir.push(tenant, ...series);
    expect(answer.body).to.include(words);
    expect(answer.status).to.equal(status);
  };

  it("accepts as many series as are allowed and rejects the next, but keeps accepting existing ones", async () => {
    await accept("full", ...seriesOf("up", 900));
    await refuse(400, "err-mimir-max-series-per-user", "full", ...seriesOf("up", 1, 900));
    await accept("full", ...seriesOf("up", 10));
    expect(await counted("full", "up")).to.equal(900);
  });

  it("accepts a burst and rejects the samples right after it, until the rate allows them", async () => {
    await accept("fast", samplesOf("a", 1000));
    await refuse(429, "err-mimir-tenant-max-ingestion-rate", "fast", samplesOf("b", 1000));
    await until(10, "the second push", async () =>
      (await mimir.push("fast", samplesOf("b", 1000))).status === 200 ? true : undefined,
    );
  });

  it("rejects a push that is larger than the burst", () =>
    refuse(429, "err-mimir-tenant-max-ingestion-rate", "large", samplesOf("a", 1001)));

  it("applies a tenant's own limits", async () => {
    await accept("own", samplesOf("a", 1001));
    await accept("own", ...seriesOf("up", 4));
    await refuse(400, "err-mimir-max-series-per-user", "own", ...seriesOf("up", 1, 4));
    const limitsOf = async (tenant: string) =>
      JSON.parse((await mimir.ask(tenant, "/api/v1/user_limits")).body);
    const common = { ingestion_rate: 500, max_global_series_per_user: 900, ingestion_burst_size: 1000 };
    expect(await limitsOf("own")).to.include({
      ...common,
      max_global_series_per_user: 5,
      ingestion_burst_size: 2000,
    });
    expect(await limitsOf("pods")).to.include(common);
  });

  it("shows a tenant only its own series, several tenants together, and nothing without a tenant", async () => {
    for (const tenant of [tenants.pods, tenants.nodes])
      await accept(tenant, { labels: { __name__: "mine", of: tenant }, samples: [{ value: 1 }] });
    const seen = async (tenant: string) => (await mimir.query(tenant, "mine")).map(({ labels }) => labels);
    expect(await seen("nodes")).to.deep.equal([{ __name__: "mine", of: "nodes" }]);
    expect(await seen("pods")).to.deep.equal([{ __name__: "mine", of: "pods" }]);
    expect(await seen("prometheus")).to.deep.equal([]);
    expect(await seen("nodes|pods")).to.have.deep.members([
      { __name__: "mine", of: "nodes", __tenant_id__: "nodes" },
      { __name__: "mine", of: "pods", __tenant_id__: "pods" },
    ]);
    expect((await mimir.ask(undefined, "/prometheus/api/v1/query?query=mine")).status).to.equal(401);
    expect((await mimir.push(undefined, ...seriesOf("mine", 1))).status).to.equal(401);
  });

  it("keeps exemplars", async () => {
    const labels = { trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" };
    await accept("pods", {
      labels: { __name__: "requests_total" },
      samples: [{ value: 7 }],
      exemplars: [{ labels, value: 0.25 }],
    });
    const range = {
      query: "requests_total",
      start: `${Date.now() / 1000 - 60}`,
      end: `${Date.now() / 1000 + 60}`,
    };
    const [found] = (await mimir.data("pods", `query_exemplars?${new URLSearchParams(range)}`)) as {
      exemplars: { labels: Labels; value: string }[];
    }[];
    expect(found?.exemplars).to.have.length(1);
    expect(found?.exemplars[0]).to.deep.include({ labels, value: "0.25" });
  });

  it("accepts a late sample within the limit", async () => {
    const late = (minutes: number): Series => ({
      labels: { __name__: "late" },
      samples: [{ value: minutes, time: Date.now() - minutes * 60_000 }],
    });
    await accept("pods", late(0));
    await accept("pods", late(115));
    await refuse(400, "err-mimir-sample-timestamp-too-old", "pods", late(125));
    const [range] = await mimir.query("pods", "count_over_time(late[3h])");
    expect(range?.value).to.equal(2);
  });

  it("accepts one of the replicas of a Prometheus, and drops the replica label", async () => {
    const from = (replica: string): Series => ({
      labels: { __name__: "twice", cluster: "dev", __replica__: replica },
      samples: [{ value: 1 }],
    });
    await accept("prometheus", from("prometheus-kps-0"));
    // Reported as success, so that Prometheus does not retry.
    const { status, body } = await mimir.push("prometheus", from("prometheus-kps-1"));
    expect(status).to.equal(202);
    expect(body).to.include("replicas did not match");
    const found = await mimir.query("prometheus", "twice");
    expect(found.map(({ labels }) => labels)).to.deep.equal([{ __name__: "twice", cluster: "dev" }]);
    const [samples] = await mimir.query("prometheus", "count_over_time(twice[1m])");
    expect(samples?.value).to.equal(1);
  });

  it("accepts another replica about 20 s after the accepted one has ended, and none before", async () => {
    const push = async (replica: string) =>
      (
        await mimir.push("prometheus", {
          labels: { __name__: "switched", cluster: "other", __replica__: replica },
          samples: [{ value: 1 }],
        })
      ).status;
    for (let second = 0; second < 12; second++) {
      expect([await push("prometheus-kps-0"), await push("prometheus-kps-1")]).to.deep.equal([200, 202]);
      await wait(1000);
    }
    const ended = Date.now();
    await until(60, "sample of the other replica", async () => (await push("prometheus-kps-1")) === 200);
    // Two samples of a target that is scraped every 15 s are missing at most.
    expect(Date.now() - ended).to.be.within(8000, 25_000);
  });

  it("evaluates rules over one tenant and over several, and sends their alerts to the receivers", async () => {
    // Rules query with a delay of a minute, so that late samples are included.
    const time = Date.now() - 90_000;
    for (const tenant of ["nodes", "pods"])
      await accept(tenant, { labels: { __name__: "errors" }, samples: [{ value: 1, time }] });
    const group = {
      name: "test",
      interval: "1s",
      source_tenants: ["nodes", "pods"],
      rules: [
        { record: "ours:sum", expr: "sum(errors)" },
        { alert: "TooMany", expr: "ours:sum > 1", labels: { severity: "warning" } },
        { alert: "Watchdog", expr: "vector(1)" },
      ],
    };
    const { status, body } = await mimir.ask("nodes", "/prometheus/config/v1/rules/test", {
      method: "POST",
      headers: { "Content-Type": "application/yaml" },
      body: JSON.stringify(group),
    });
    expect(status, body).to.equal(202);
    const recorded = await until(
      60,
      "the recorded series",
      async () => (await mimir.query("nodes", "ours:sum"))[0],
    );
    expect(recorded.value).to.equal(2);
    const sent = await until(60, "the alert", async () => received[0]);
    expect(sent.status).to.equal("firing");
    expect(sent.alerts.map(({ labels }) => labels["alertname"])).to.deep.equal(["TooMany"]);
  });
});
