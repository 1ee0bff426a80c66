/** Rollups (R14) with a real Mimir: its ruler's results match the raw data, and the dashboard finds them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { longRange } from "../../dashboards/long-range";
import { rawTenants, rolledTenants, tenants } from "../../names";
import { rollupRules } from "../../values/rollups";
import { Mimir } from "../support/mimir";
import type { Series } from "../support/remote-write";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const minute = 60;
const day = 24 * 60 * minute;
/** Seconds between two samples of the raw data, as Alloy scrapes. */
const scrape = 15;
/** Seconds of raw data: an hour's window that ended when the rules' delay began, and a little more. */
const history = 85 * minute;

/** A function whose average differs between any two windows. */
const gauge = (time: number) => 100 + 40 * Math.sin(time / 171) + (time % 97);

describe("binaries: rollups of Mimir's ruler", function () {
  this.timeout(240_000);
  const settings = settingsOf("dev");
  const everyone = [...rawTenants, ...rolledTenants].join("|");
  // Start of the suite, which is long after it was loaded.
  let now: number;
  let times: number[];
  /** Three per second. */
  const counter = (time: number) => 3 * (time - now + history);
  let folder: string;
  let mimir: Mimir;

  before(async function () {
    const [program = ""] = needs(this, "mimir");
    now = Math.floor(Date.now() / 1000);
    times = Array.from({ length: history / scrape }, (_, index) => now - history + index * scrape);
    folder = mkdtempSync(join(tmpdir(), "observability-rollups-"));
    mimir = await Mimir.start(program, join(folder, "mimir"), settings);
    const series = (name: string, of: (time: number) => number): Series => ({
      labels: { __name__: name, cluster: "dev", instance: "a" },
      samples: times.map((time) => ({ value: of(time), time: time * 1000 })),
    });
    const pushes = [
      await mimir.push("nodes", series("node_load5", gauge), series("node_cpu_seconds_total", counter)),
      await mimir.push("pods", series("traces_spanmetrics_calls_total", counter)),
      await mimir.push("nodes", series("node_uname_info", gauge)),
    ];
    for (const { status, body } of pushes) expect(status, body).to.equal(200);
    for (const { metadata, spec } of rollupRules(settings))
      for (const group of spec.groups) {
        // As Alloy loads it, but every few seconds.
        const source_tenants = metadata.annotations["monitoring.grafana.com/source_tenants"]?.split(",");
        const tenant = metadata.labels["observability/mimir-tenant"] ?? "";
        const { status, body } = await mimir.ask(tenant, "/prometheus/config/v1/rules/rollups", {
          method: "POST",
          headers: { "Content-Type": "application/yaml" },
          body: JSON.stringify({ ...group, interval: "5s", source_tenants }),
        });
        expect(status, body).to.equal(202);
      }
  });

  after(async () => {
    await mimir?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** All samples of a series in a tenant: seconds and values. */
  const samplesOf = async (tenant: string, selector: string): Promise<[number, number][]> => {
    const path = `query?${new URLSearchParams({ query: `${selector}[2h]` })}`;
    const { result } = (await mimir.data(tenant, path)) as { result: { values: [number, string][] }[] };
    return (result[0]?.values ?? []).map(([time, value]) => [time, Number(value)]);
  };
  /** The same, once there are a few of them. */
  const written = (tenant: string, selector: string) =>
    until(90, `${selector} in ${tenant}`, async () => {
      const samples = await samplesOf(tenant, selector);
      return samples.length > 3 ? samples : undefined;
    });

  for (const [tenant, window] of [
    [tenants.rollup5m, 5 * minute],
    [tenants.rollup1h, 60 * minute],
  ] as const) {
    it(`${tenant} has the average of the ${window / minute} minutes before each sample, within 1 %`, async () => {
      for (const [time, value] of await written(tenant, "node_load5")) {
        const raw = times.filter((one) => one > time - window && one <= time).map(gauge);
        expect(raw.length).to.be.within(window / scrape - 1, window / scrape);
        const average = raw.reduce((sum, one) => sum + one, 0) / raw.length;
        expect(value / average, `at ${time}`).to.be.within(0.99, 1.01);
      }
    });

    it(`${tenant} has the last value of counters before each sample, of each of the raw tenants`, async () => {
      for (const name of ["node_cpu_seconds_total", "traces_spanmetrics_calls_total"]) {
        for (const [time, value] of await written(tenant, name))
          expect(value, `${name} at ${time}`).to.be.within(counter(time - scrape), counter(time));
      }
    });
  }

  it("waits for late samples as long as configured", async () => {
    const [newest] = (await written(tenants.rollup5m, "node_load5")).at(-1) ?? [0];
    const delay = Date.now() / 1000 - newest;
    expect(delay).to.be.within(settings.mimir.rollups.delay, settings.mimir.rollups.delay + minute);
  });

  it("keep a series' name and labels, and include only selected metrics", async () => {
    await written(tenants.rollup5m, "node_load5");
    const found = (await mimir.data(
      tenants.rollup5m,
      `series?${new URLSearchParams({ "match[]": '{__name__=~".+"}', start: String(now - history) })}`,
    )) as Record<string, string>[];
    expect(found).to.have.deep.members(
      ["node_load5", "node_cpu_seconds_total", "traces_spanmetrics_calls_total"].map((__name__) => ({
        __name__,
        cluster: "dev",
        instance: "a",
      })),
    );
  });

  describe("and the dashboard with a long time range", () => {
    /** The value of a hidden variable in Grafana: the first group of its expression in the text of the series. */
    const variable = async (name: string, range: number) => {
      const { query = "", regex = "" } = longRange.computed?.find((one) => one.name === name) ?? {};
      const found = await mimir.query(everyone, query.replaceAll("$__range_s", String(range)));
      const texts = found.map(
        ({ labels }) =>
          `{${Object.entries(labels)
            .map(([label, value]) => `${label}="${value}"`)
            .join(",")}} 1 0`,
      );
      const values = texts.map((text) => new RegExp(regex.slice(1, -1)).exec(text)?.[1]);
      return values;
    };

    for (const [days, resolution, step] of [
      [1, "pods|nodes", "1m"],
      [7, "pods|nodes", "1m"],
      [8, "rollup-5m", "5m"],
      [30, "rollup-5m", "5m"],
      [31, "rollup-1h", "1h"],
      [365, "rollup-1h", "1h"],
    ] as const)
      it(`queries ${resolution} for a range of ${days} days`, async () => {
        expect(await variable("resolution", days * day)).to.deep.equal([resolution]);
        expect(await variable("step", days * day)).to.deep.equal([step]);
      });

    it("switches to the coarser one a second later", async () => {
      expect(await variable("resolution", 7 * day + 1)).to.deep.equal(["rollup-5m"]);
      expect(await variable("resolution", 30 * day + 1)).to.deep.equal(["rollup-1h"]);
    });

    it("finds in each the series that it queries, and no others", async () => {
      await written(tenants.rollup1h, "node_load5");
      for (const resolution of ["pods|nodes", "rollup-5m", "rollup-1h"]) {
        const query = `avg_over_time(node_load5{cluster=~".*", __tenant_id__=~"${resolution}"}[1h])`;
        const found = await mimir.query(everyone, query);
        expect(found.map(({ labels }) => labels["__tenant_id__"])).to.deep.equal([
          resolution === "pods|nodes" ? "nodes" : resolution,
        ]);
      }
    });
  });
});
