/** The real Mimir at its limits: of a tenant, of a metric, and of an ingester's memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { mimirProtection } from "../../settings/protection";
import { Mimir } from "../support/mimir";
import type { Series } from "../support/remote-write";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

/** An ingester of 64 MiB, for few series: the limits follow from it. */
const settings = settingsOf("dev", {
  mimir: {
    ingester: { memory: "64Mi", memoryLimit: "64Mi" },
    limits: { series: 1000, samplesPerSecond: 1_000_000, burst: 1_000_000, labelNames: 45 },
    tenants: { pods: { series: 100_000 }, nodes: {}, prometheus: {} },
  },
});
const { series: most, metricSeries } = mimirProtection(settings);

/** One sample in each series of a metric. */
const seriesOf = (name: string, count: number, from = 0): Series[] =>
  Array.from({ length: count }, (_, index) => ({
    labels: { __name__: name, number: String(from + index) },
    samples: [{ value: 1 }],
  }));

describe("binaries: Mimir at its limits", function () {
  this.timeout(180_000);
  let folder: string;
  let mimir: Mimir;

  before(async function () {
    const [program = ""] = needs(this, "mimir");
    folder = mkdtempSync(join(tmpdir(), "observability-mimir-limits-"));
    mimir = await Mimir.start(program, join(folder, "mimir"), settings);
  });
  after(async () => {
    await mimir?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const counted = async (tenant: string, query: string) =>
    (await mimir.query(tenant, `count(${query})`))[0]?.value ?? 0;
  const answerTo = async (tenant: string, series: Series[]) => {
    const { status, body } = await mimir.push(tenant, ...series);
    return { status, reason: /err-mimir-[a-z-]+/.exec(body)?.[0] };
  };
  /** A metric of Mimir itself, written with its labels. */
  const metric = async (name: string) => {
    const text = await (await fetch(`${mimir.url}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${name} `));
    return Number(line?.split(" ")[1]);
  };
  const accepted = { status: 200, reason: undefined };

  it("rejects three times a tenant's series with the name of the limit, while another tenant writes and reads as before", async () => {
    const slowest = { write: 0, read: 0 };
    const timed = async (what: "write" | "read", work: () => Promise<unknown>) => {
      const start = Date.now();
      await work();
      slowest[what] = Math.max(slowest[what], Date.now() - start);
    };
    for (let push = 0; push < 30; push++) {
      // 3,000 series of the tenant with a limit of 1,000, in metrics that stay below their own limit.
      const answer = await answerTo("prometheus", seriesOf(`metric_${push % 3}`, 100, push * 100));
      expect(answer).to.deep.equal(
        push < 10 ? accepted : { status: 400, reason: "err-mimir-max-series-per-user" },
      );
      await timed("write", async () =>
        expect(await answerTo("nodes", seriesOf("up", 50))).to.deep.equal(accepted),
      );
      await timed("read", async () => expect(await counted("nodes", "up")).to.equal(50));
    }
    expect(await counted("prometheus", '{__name__=~"metric_.+"}')).to.equal(1000);
    // Not a benchmark: a test machine is busy.
    expect(slowest.write, "slowest write, ms").to.be.below(2000);
    expect(slowest.read, "slowest read, ms").to.be.below(2000);
    console.log(
      `      slowest write ${slowest.write} ms, slowest read ${slowest.read} ms of the other tenant`,
    );
  });

  it("rejects new series of a metric with a cardinality explosion, and stores the others of the same push", async () => {
    expect(await answerTo("pods", seriesOf("exploding", metricSeries))).to.deep.equal(accepted);
    const push = [...seriesOf("exploding", 100, metricSeries), ...seriesOf("healthy", 10)];
    expect(await answerTo("pods", push)).to.deep.equal({
      status: 400,
      reason: "err-mimir-max-series-per-metric",
    });
    expect(await counted("pods", "exploding")).to.equal(metricSeries);
    expect(await counted("pods", "healthy")).to.equal(10);
  });

  it("rejects new series beyond the ingester's memory, and keeps accepting existing ones", async () => {
    const statuses = new Set<number>();
    for (let metric = 0; metric < 8; metric++)
      for (let from = 0; from < 1000; from += 100) {
        const { status, reason } = await answerTo("pods", seriesOf(`many_${metric}`, 100, from));
        statuses.add(status);
        if (status !== 200) expect([status, reason]).to.deep.equal([503, "err-mimir-ingester-max-series"]);
      }
    expect([...statuses]).to.have.members([200, 503]);
    expect(await metric("cortex_ingester_memory_series")).to.be.within(most * 0.95, most);
    expect(await metric('cortex_ingester_instance_limits{limit="max_series"}')).to.equal(most);
    expect(await answerTo("nodes", seriesOf("up", 50))).to.deep.equal(accepted);
    expect(await counted("nodes", "up")).to.equal(50);
  });

  it("accepts 45 labels of a series, as Istio's have, and rejects 46", async () => {
    const labels = (count: number) => ({
      __name__: "up",
      number: "0",
      ...Object.fromEntries(Array.from({ length: count - 2 }, (_, at) => [`label_${at}`, "x"])),
    });
    // Beyond the ingester's limit by now: the number of labels is checked before.
    const answer = await answerTo("nodes", [{ labels: labels(46), samples: [{ value: 1 }] }]);
    expect(answer).to.deep.equal({ status: 400, reason: "err-mimir-max-label-names-per-series" });
    const fits = await answerTo("nodes", [{ labels: labels(45), samples: [{ value: 1 }] }]);
    expect(fits.reason).not.to.equal("err-mimir-max-label-names-per-series");
  });

  it("answers queries over a year of a tenant, and over two years of a rollup and all tenants", async () => {
    const end = Math.floor(Date.now() / 1000);
    for (const [tenant, days] of [
      ["nodes", 30],
      ["nodes", 90],
      ["nodes", 365],
      ["rollup-1h", 730],
      ["pods|nodes|rollup-5m|rollup-1h", 730],
    ] as const) {
      const range = new URLSearchParams({
        query: "up",
        start: `${end - days * 86_400}`,
        end: `${end}`,
        step: "1d",
      });
      const { status, body } = await mimir.ask(tenant, `/prometheus/api/v1/query_range?${range}`);
      expect(status, `${tenant}, ${days} d: ${body}`).to.equal(200);
    }
  });
});
