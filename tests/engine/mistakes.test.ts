/** Ten mistakes with the real engine and a real API server: rejected with the whole message, without changes. */
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { ApiServer } from "../support/api-server";
import { furnish } from "../support/furnish";
import { configOf, isTold, mistakes, stack as name } from "../support/mistakes";
import { install, namespacesOf } from "../support/mistakes/cluster";
import { TestStack } from "../support/pulumi";
import { needs, needsCharts } from "../support/tools";

/** Those about installed objects, which only the program can read, and a few of the others. */
const chosen = [
  ...mistakes.filter(({ installed }) => installed),
  ...mistakes.filter(({ installed }, index) => !installed && index % 7 === 0).slice(0, 6),
  ...mistakes.filter(({ about }) => about === "credentials in plain text"),
];

describe("engine: mistakes in settings", function () {
  this.timeout(10 * 60 * 1000);
  let api: ApiServer;
  let stack: TestStack;
  const config = new KubeConfig();

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver", "pulumi");
    await needsCharts(this);
    api = await ApiServer.start(etcd, kubeApiserver);
    await furnish(api);
    config.loadFromFile(api.kubeconfig());
    stack = new TestStack(name, api.kubeconfig(), {});
    const made = stack.init();
    expect(made.code, made.output).to.equal(0);
  });

  after(async () => api?.stop());

  it("are ten in this test", () => {
    expect(new Set(chosen).size).to.equal(10);
  });

  for (const mistake of chosen)
    it(`are rejected: ${mistake.about}`, async () => {
      const takeAway = await install(config, mistake);
      const before = await namespacesOf(config);
      stack.configure(configOf(mistake));
      const { code, output } = stack.run(["up", "--yes", "--skip-preview", "--suppress-progress"]);
      await takeAway();
      expect(code, output).not.to.equal(0);
      expect(isTold(output, mistake), output).to.equal(true);
      // The engine records the stack itself before it runs the program.
      expect(stack.urns().filter((urn) => !urn.includes("::pulumi:pulumi:Stack::"))).to.deep.equal([]);
      expect(await namespacesOf(config)).to.equal(before);
    });
});
