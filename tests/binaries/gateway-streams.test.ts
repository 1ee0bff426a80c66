/** Real Loki behind its gateway: an application that sends too many streams over OTLP does not delay the logs of others. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { sentLogs } from "../../names";
import { lokiSentStreams } from "../../settings/protection";
import { lokiConfiguration } from "../../values/loki-configuration";
import { Gateway, needsNginx } from "../support/gateway";
import { Loki } from "../support/loki";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const settings = settingsOf("dev", {
  loki: {
    ingester: { memory: "64Mi", memoryLimit: "64Mi" },
    ingestionRate: "1MB/s",
    ingestionBurst: "1MB/s",
  },
});

describe("binaries: too many streams over OTLP", function () {
  this.timeout(180_000);
  let folder: string;
  let loki: Loki;
  let gateway: Gateway;

  before(async function () {
    needsNginx(this);
    const [program = ""] = needs(this, "loki");
    folder = mkdtempSync(join(tmpdir(), "observability-streams-"));
    const { limits_config } = lokiConfiguration(settings) as { limits_config: Record<string, unknown> };
    // Retention needs a compactor that deletes, which this Loki does not have.
    const { retention_period: _, retention_stream: __, ...limits } = limits_config;
    loki = await Loki.start(program, join(folder, "loki"), limits);
    const at = () => new URL(loki.url).host;
    gateway = await Gateway.start(join(folder, "gateway"), { store: "loki", settings, at });
  });
  after(async () => {
    await gateway?.stop();
    await loki?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const push = (services: string[], line = "a line", policy = sentLogs) => {
    const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
    const record = { timeUnixNano: `${Date.now()}000000`, body: { stringValue: line } };
    const resourceLogs = services.map((service) => ({
      resource: { attributes: [text("cluster", "c"), text("job", "j"), text("service.name", service)] },
      scopeLogs: [{ logRecords: [record] }],
    }));
    return gateway.ask("logs-write", {
      method: "POST",
      path: "/otlp/v1/logs",
      headers: { "content-type": "application/json", "X-Loki-Ingestion-Policy": policy },
      body: JSON.stringify({ resourceLogs }),
    });
  };
  const many = (from: number) => Array.from({ length: 100 }, (_, index) => `service-${from + index}`);

  it("are rejected without a retry, which would delay all others, and existing streams are stored", async () => {
    expect((await push(["quiet"])).status).to.equal(204);
    const statuses = new Set<number>();
    for (let from = 0; from < 2 * lokiSentStreams(settings); from += 100)
      statuses.add((await push(many(from))).status);
    expect([...statuses]).to.deep.equal([204, 400]);
    // Loki's response names only the last stream, in no fixed order.
    const mixed = await push(["quiet", ...many(5000)], "among refused ones");
    expect(mixed.status).to.be.oneOf([204, 400]);
    const query = new URLSearchParams({ query: '{service_name="quiet"} |= "among"', since: "1h" });
    const found = await gateway.ask("logs-read", { path: `/loki/api/v1/query_range?${query}` });
    expect(found.body).to.include("among refused ones");
  });

  it("a push over the tenant's rate is retried", async () => {
    const { status, body } = await push(Array(8).fill("quiet"), "x".repeat(200_000));
    expect([status, body]).to.deep.equal([429, "rate_limited or stream_limit: retry"]);
  });

  it("streams from files have capacity left, and clients cannot select another policy", async () => {
    expect((await push(many(9000), "a line", "")).status).to.equal(204);
    expect((await push(many(9100), "a line", "another")).status).to.equal(204);
  });
});
