/** Queries of the real stores over months of data with old timestamps: as far back as retention allows. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { lokiConfiguration } from "../../values/loki-configuration";
import { Loki } from "../support/loki";
import { Mimir } from "../support/mimir";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";
import { push, requestsOf, Tempo } from "../support/traces";

const day = 86_400_000;
/** Ages in days, oldest first, in the middle of each day. */
const ages = Array.from({ length: 90 }, (_, index) => 89.5 - index);

describe("binaries: queries over months", function () {
  this.timeout(240_000);
  const settings = settingsOf("dev", {
    loki: { retention: { namespaces: { payments: "90d" } } },
    // Accepts samples with old timestamps.
    mimir: { retention: "90d", limits: { outOfOrder: "100d" } },
    tempo: { retention: "90d" },
  });
  let folder: string;
  const stops: (() => Promise<void>)[] = [];
  const now = Date.now();

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-months-"));
  });
  after(async () => {
    for (const stop of stops) await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("Loki counts the lines of 90 days, and names the limit of a longer query", async function () {
    const [program = ""] = needs(this, "loki");
    const { limits_config } = lokiConfiguration(settings) as { limits_config: Record<string, unknown> };
    // Retention needs a compactor that deletes, which this Loki does not have.
    const { retention_period: _, retention_stream: __, ...limits } = limits_config;
    // Loki aligns steps of a day to midnight, so their number depends on the time of the day; 6:00 gives a constant
    // one.
    const morning = Math.floor((Date.now() - day / 4) / day) * day + day / 4;
    const loki = await Loki.start(program, join(folder, "loki"), { ...limits, reject_old_samples: false });
    stops.push(() => loki.stop());
    const headers = { "content-type": "application/json", "X-Scope-OrgID": "logs" };
    for (const age of ages) {
      const values = [[`${Math.round(morning - age * day)}000000`, "a line"]];
      const body = JSON.stringify({ streams: [{ stream: { namespace: "payments" }, values }] });
      const { status } = await fetch(`${loki.url}/loki/api/v1/push`, { method: "POST", headers, body });
      expect(status).to.equal(204);
    }
    expect((await fetch(`${loki.url}/flush`, { method: "POST" })).status).to.equal(204);
    const ask = async (days: number) => {
      const range = { start: `${morning - days * day}000000`, end: `${morning}000000`, step: "1d" };
      const query = new URLSearchParams({
        query: 'sum(count_over_time({namespace="payments"}[1d]))',
        ...range,
      });
      const answer = await fetch(`${loki.url}/loki/api/v1/query_range?${query}`, { headers });
      return { status: answer.status, text: await answer.text() };
    };
    const counted = async (days: number) => {
      const { status, text } = await ask(days);
      expect(status, text).to.equal(200);
      const values: [number, string][] = JSON.parse(text).data.result[0]?.values ?? [];
      return values.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    // The first step also counts the day before the start.
    for (const days of [30, 88])
      await until(120, `the lines of ${days} days`, async () => {
        const count = await counted(days);
        return count === days + 1 ? true : Promise.reject(new Error(`${days} days: ${count}`));
      });
    const { status, text } = await ask(365);
    expect(status, text).to.equal(400);
    expect(text).to.include("the query time range exceeds the limit (query length: 8760h0m0s, limit: 90d1h)");
  });

  it("Mimir returns the samples of 90 days, and truncates a longer query to the retention", async function () {
    const [program = ""] = needs(this, "mimir");
    const own = join(folder, "mimir");
    const first = await Mimir.start(program, own, settings);
    for (const age of ages) {
      const samples = [{ value: 1, time: Math.round(now - age * day) }];
      const { status, body } = await first.push("pods", { labels: { __name__: "old" }, samples });
      expect(status, body).to.equal(200);
    }
    expect((await first.ask(undefined, "/ingester/flush?wait=true", { method: "POST" })).status).to.equal(
      204,
    );
    await first.stop();
    const mimir = await Mimir.start(program, own, settings, [
      "-compactor.cleanup-interval=2s",
      "-blocks-storage.bucket-store.sync-interval=2s",
      "-blocks-storage.bucket-store.ignore-blocks-within=0s",
    ]);
    stops.push(() => mimir.stop());
    const found = async (days: number) => {
      const range = { start: `${(now - days * day) / 1000}`, end: `${now / 1000}`, step: "1d" };
      const query = new URLSearchParams({ query: "sum(count_over_time(old[1d]))", ...range });
      const { result } = (await mimir.data("pods", `query_range?${query}`)) as {
        result: { values: [number, string][] }[];
      };
      return (result[0]?.values ?? []).reduce((sum, [, count]) => sum + Number(count), 0);
    };
    for (const [days, samples] of [
      [30, 31],
      [89, 90],
      // From the retention limit in steps of a day, the last of which is yesterday.
      [365, 89],
    ] as const)
      await until(60, `${samples} samples of ${days} days`, async () => {
        const count = await found(days);
        return count === samples ? true : Promise.reject(new Error(`${days} days: ${count}`));
      });
  });

  it("Tempo finds a trace of 80 days ago, and names the limit of a longer search", async function () {
    const [program = ""] = needs(this, "tempo");
    const tempo = await Tempo.start(program, join(folder, "tempo"), settings, undefined, "2400h");
    stops.push(() => tempo.stop("SIGKILL"));
    const spans = requestsOf("old", 1).map(({ client }) => ({ ...client, ago: 80 * 86_400 }));
    const trace = spans[0]?.trace ?? "";
    const { status, body } = await push(tempo.http, spans, { "X-Scope-OrgID": "traces" });
    expect(status, body).to.equal(200);
    const ask = (path: string, q: string, days: number) => {
      const range = { start: `${Math.floor((now - days * day) / 1000)}`, end: `${Math.floor(now / 1000)}` };
      return tempo.ask("traces", `${path}?${new URLSearchParams({ q, ...range })}`);
    };
    await until(30, "the trace in a block", async () => {
      expect((await tempo.ask("traces", "/flush")).status).to.equal(204);
      const { body } = await ask("/api/search", '{ span.case = "old" }', 90);
      return body.includes(trace.replace(/^0+/, "")) ? true : Promise.reject(new Error(body));
    });
    const longer = await ask("/api/search", "{}", 365);
    expect(longer.status).to.equal(400);
    expect(longer.body).to.include("range specified by start and end exceeds 2161h0m0s");
    const metrics = await ask("/api/metrics/query_range", "{} | rate()", 90);
    expect(metrics.status).to.equal(400);
    expect(metrics.body).to.include("exceeds the maximum allowed duration of 3h0m0s");
  });
});
