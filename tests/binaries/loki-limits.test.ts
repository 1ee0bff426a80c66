/** The real Loki at its limit of streams, which follows from memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { sentLogs } from "../../names";
import { lokiSentStreams, lokiStreams } from "../../settings/protection";
import { lokiConfiguration } from "../../values/loki-configuration";
import { Loki } from "../support/loki";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const settings = settingsOf("dev", {
  loki: {
    ingester: { memory: "64Mi", memoryLimit: "64Mi" },
  },
});

describe("binaries: Loki at its limits", function () {
  this.timeout(180_000);
  let folder: string;
  let loki: Loki;

  before(async function () {
    const [program = ""] = needs(this, "loki");
    folder = mkdtempSync(join(tmpdir(), "observability-loki-limits-"));
    const { limits_config } = lokiConfiguration(settings) as { limits_config: Record<string, unknown> };
    // Retention needs a compactor that deletes, which this Loki does not have.
    const { retention_period: _, retention_stream: __, ...limits } = limits_config;
    loki = await Loki.start(program, join(folder, "loki"), limits);
  });
  after(async () => {
    await loki?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const headers = { "content-type": "application/json", "X-Scope-OrgID": "logs" };
  const push = async (namespace: string, from: number, count: number, policy = "") => {
    const streams = Array.from({ length: count }, (_, index) => ({
      stream: { namespace, pod_name: `pod-${from + index}` },
      values: [[`${Date.now()}000000`, "a line"]],
    }));
    const body = JSON.stringify({ streams });
    const answer = await fetch(`${loki.url}/loki/api/v1/push`, {
      method: "POST",
      headers: { ...headers, ...(policy && { "X-Loki-Ingestion-Policy": policy }) },
      body,
    });
    return { status: answer.status, text: await answer.text() };
  };

  it("rejects ten times the streams that are sent by OTLP, and accepts new ones from files", async () => {
    const most = lokiSentStreams(settings);
    expect(most).to.equal(210);
    let accepted = 0;
    for (let from = 0; from < 10 * most; from += 100) {
      const { status, text } = await push("sent", from, 100, sentLogs);
      if (status === 204) accepted += 100;
      else expect(text).to.include("maximum active stream limit exceeded");
    }
    expect(accepted).to.be.within(most - 100, most);
    expect((await push("files", 0, 100)).status).to.equal(204);
  });

  it("rejects ten times the streams with the name of the limit, and keeps accepting existing ones", async () => {
    const most = lokiStreams(settings);
    expect((await push("quiet", 0, 10)).status).to.equal(204);
    let refused = 0;
    for (let from = 0; from < 10 * most; from += 100) {
      const { status, text } = await push("noisy", from, 100);
      if (status === 204) continue;
      refused++;
      expect(status).to.equal(429);
      expect(text).to.include("maximum active stream limit exceeded");
      const before = Date.now();
      expect((await push("quiet", 0, 10)).status).to.equal(204);
      // Not a benchmark: a test machine is busy.
      expect(Date.now() - before, "ms").to.be.below(2000);
    }
    expect(refused).to.be.within(((10 * most) / 100) * 0.85, (10 * most) / 100);
  });

  it("answers queries by pod in a cluster with more than 500 pods", async () => {
    const query = async (text: string) => {
      const answer = await fetch(`${loki.url}/loki/api/v1/query?query=${encodeURIComponent(text)}`, {
        headers,
      });
      const body = await answer.text();
      expect(answer.status, body).to.equal(200);
      return (JSON.parse(body) as { data: { result: unknown[] } }).data.result;
    };
    const byPod = 'sum by (namespace, pod_name) (count_over_time({namespace=~".+"} [24h]))';
    expect((await query(byPod)).length).to.be.greaterThan(500);
    expect(await query(`topk(10, ${byPod})`)).to.have.length(10);
  });
});
