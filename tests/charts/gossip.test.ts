/** The preflight finds a store's gossip label in the chart's configuration. */
import { expect } from "chai";
import { configurations, gossipOf } from "../../components/preflight/gossip";
import { stores } from "../../names";
import { type GossipStep, gossipAt } from "../../values/gossip";
import { find, renderStack } from "../support/rendered";
import { settingsOf } from "../support/stacks";
import { needsCharts } from "../support/tools";

describe("charts: gossip labels", function () {
  this.timeout(120_000);
  before(async function () {
    await needsCharts(this);
  });

  for (const [step, config] of Object.entries({
    introduce: { environment: "prod", cluster: { gossipLabels: "introduce" } },
    verify: { environment: "prod" },
  }))
    it(`are found at the step ${step}`, async () => {
      const objects = await renderStack(config);
      const settings = settingsOf("prod", config);
      for (const store of stores) {
        const { name, key } = configurations[store];
        expect(gossipOf(find(objects, "ConfigMap", name)["data"][key]), store).to.deep.equal(
          gossipAt(step as GossipStep, store, settings),
        );
      }
    });
});
