/** The list of kept infrastructure metrics, compared with all that the charts and this project query. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import kept from "../../values/kept-metrics.json";
import { needsCharts } from "../support/tools";
import { usedMetrics } from "../support/used-metrics";

describe("charts: the metrics that are kept", function () {
  this.timeout(300_000);
  before(function () {
    return needsCharts(this);
  });

  it("are those that rules, dashboards, commands and pages query; if not: npm run generate:metrics", async () => {
    const used = await usedMetrics();
    if (process.env["UPDATE_GOLDEN"])
      return writeFileSync(join("values", "kept-metrics.json"), `${JSON.stringify(used, undefined, 2)}\n`);
    expect(kept).to.deep.equal(used);
  });
});
