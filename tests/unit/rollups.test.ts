/** Rules of the rollups (R14), as Alloy and Mimir's ruler read them. */
import { expect } from "chai";
import { owner } from "../../names";
import { rollupOverrides, rollupRules } from "../../values/rollups";
import { mistakes } from "../support/queries";
import { type Config, settingsOf } from "../support/stacks";

const rollupsOf = (rollups: Config) => settingsOf("prod", { mimir: { rollups } });
const rulesOf = (rollups: Config) =>
  rollupRules(rollupsOf(rollups)).map(({ spec }) => spec.groups.flatMap(({ rules }) => rules));

describe("unit: rollups", () => {
  it("are one PrometheusRule for each tenant, which reads applications and infrastructure", () => {
    const all = rollupRules(settingsOf("dev"));
    expect(all.map(({ metadata }) => [metadata.name, metadata.labels, metadata.annotations])).to.deep.equal([
      [
        "observability-rollup-5m",
        { [owner.ruleTenant]: "rollup-5m" },
        { "monitoring.grafana.com/source_tenants": "pods,nodes" },
      ],
      [
        "observability-rollup-1h",
        { [owner.ruleTenant]: "rollup-1h" },
        { "monitoring.grafana.com/source_tenants": "pods,nodes" },
      ],
    ]);
    expect(all.map(({ spec }) => [...new Set(spec.groups.map(({ interval }) => interval))])).to.deep.equal([
      ["5m"],
      ["1h"],
    ]);
  });

  it("average gauges and keep the last value of counters, under the same name", () => {
    const [fine, coarse] = rulesOf({ gauges: ["load"], counters: ["requests_total"] });
    expect(fine).to.deep.equal([
      { record: "load", expr: "max without (__tenant_id__) (avg_over_time(load[5m]))" },
      {
        record: "requests_total",
        expr: "max without (__tenant_id__) (last_over_time(requests_total[5m]))",
      },
    ]);
    expect(coarse?.map(({ expr }) => expr)).to.deep.equal(fine?.map(({ expr }) => expr.replace("5m", "1h")));
  });

  it("have groups within Mimir's limit of rules, and omit none", () => {
    for (const count of [1, 20, 21, 45]) {
      const gauges = Array.from({ length: count }, (_, index) => `metric_${index}`);
      const [rule] = rollupRules(rollupsOf({ gauges, counters: [] }));
      const groups = rule?.spec.groups ?? [];
      expect(groups).to.have.length(Math.ceil(count / 20));
      for (const { rules } of groups) expect(rules).to.have.length.within(1, 20);
      expect(new Set(groups.map(({ name }) => name)).size).to.equal(groups.length);
      expect(groups.flatMap(({ rules }) => rules.map(({ record }) => record))).to.deep.equal(gauges);
    }
  });

  it("are valid PromQL", () => {
    for (const rules of rulesOf({}))
      for (const { expr } of rules) expect(mistakes("prometheus", expr), expr).to.deep.equal([]);
  });

  it("have no rules if they are off, but existing data keeps its retention", () => {
    const off = rollupsOf({ enabled: false, oneHour: { retention: "900d" } });
    expect(rollupRules(off)).to.deep.equal([]);
    expect(rollupOverrides(off)["rollup-1h"]).to.include({ compactor_blocks_retention_period: "21600h" });
  });

  it("have limits of their own, and a burst for all series", () => {
    expect(rollupOverrides(rollupsOf({ series: 200_000, delay: "30m" }))["rollup-5m"]).to.deep.equal({
      max_global_series_per_user: 200_000,
      ingestion_burst_size: 200_000,
      compactor_blocks_retention_period: "8760h",
      ruler_evaluation_delay_duration: "30m",
    });
  });
});
