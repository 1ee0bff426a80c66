/** An ephemeral stack through the Automation API on a real cluster: created, smoke-tested, read, and deleted. */

import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { withStack } from "../../automation/ephemeral";
import { leftIn, presentNamespaces } from "../../automation/left";
import { configFile } from "../../cli/lib/stack-config";
import { inventory } from "../support/inventory";
import { namespaces } from "../support/names";
import { settingsOf } from "../support/stacks";
import { needs, needsCharts, skip } from "../support/tools";

const stack = "ephemeraltest";

describe("engine: an ephemeral stack", function () {
  this.timeout(45 * 60 * 1000);
  let kubeconfig: string;
  let config: KubeConfig;

  before(async function () {
    kubeconfig = process.env["OBS_TEST_KUBECONFIG"] ?? skip(this, "OBS_TEST_KUBECONFIG names no cluster");
    needs(this, "pulumi");
    await needsCharts(this);
    config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    if ((await presentNamespaces(config, settingsOf("dev"))).length)
      skip(this, "the cluster has a stack already");
  });

  it("is created, passes its smoke test, is read, and leaves nothing", async () => {
    const begun = Date.now();
    const before = await inventory(config);
    const state = mkdtempSync(join(tmpdir(), "observability-state-"));
    const seen = await withStack(
      {
        stack,
        config: { environment: "dev", cluster: { kubeconfig } },
        environment: { PULUMI_BACKEND_URL: `file://${state}`, PULUMI_CONFIG_PASSPHRASE: "test" },
        tell: (line) => console.log(`      ${((Date.now() - begun) / 1000).toFixed(0)} s  ${line}`),
      },
      async ({ outputs, cluster }) => {
        const { items } = await cluster
          .makeApiClient(CoreV1Api)
          .listNamespacedPod({ namespace: namespaces.loki });
        return {
          grafana: outputs["grafanaUrl"],
          secret: outputs["grafanaAdminPassword"]?.secret,
          pods: items.length,
        };
      },
    );
    expect(seen.grafana).to.deep.include({ secret: false });
    expect(seen.grafana?.value).to.match(/^https?:\/\/grafana\./);
    expect(seen.secret).to.equal(true);
    expect(seen.pods).to.be.greaterThan(0);
    expect(await leftIn(config, settingsOf("dev"))).to.deep.equal([]);
    expect(await inventory(config)).to.deep.equal(before);
    expect(existsSync(configFile(stack))).to.equal(false);
  });
});
