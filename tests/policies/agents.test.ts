/** An agent with the real engine: a StackReference to its hub, previews with the pack, and mistakes before anything changes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { root } from "../../cli/lib/stack-config";
import { ApiServer } from "../support/api-server";
import { furnish } from "../support/furnish";
import { TestStack } from "../support/pulumi";
import { needs, needsCharts } from "../support/tools";

/** Outputs of a hub's stack for its agents. */
const outputs = {
  agents: {
    "eu-1": {
      endpoints: {
        loki: "http://127.0.0.1:9",
        mimir: "http://mimir-gateway.mimir.svc",
        tempo: "http://tempo-gateway.tempo.svc",
      },
      grafanaUrl: "https://grafana.stack.test",
      passwords: { loki: "password-of-loki", mimir: "password-of-mimir", tempo: "password-of-tempo" },
      generation: 1,
      client: {
        certificate: "certificate-of-eu-1",
        key: "key-of-eu-1",
        expires: "2100-01-01T00:00:00Z",
      },
    },
  },
};

/** A project whose stack has these outputs, as one secret. */
function hubProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "observability-hub-"));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: hub\nruntime: nodejs\nmain: hub.cjs\n");
  writeFileSync(
    join(folder, "hub.cjs"),
    `const pulumi = require(${JSON.stringify(join(root, "node_modules", "@pulumi", "pulumi"))});
exports.agents = pulumi.secret(${JSON.stringify(outputs.agents)});
`,
  );
  return folder;
}

describe("policies: an agent", function () {
  this.timeout(10 * 60 * 1000);
  let api: ApiServer;
  let folder: string;
  let agent: TestStack;
  const config = (name: string, stack: string) => ({
    environment: "prod",
    cluster: { name, zones: false },
    hub: { stack: `organization/hub/${stack}` },
  });
  const preview = () =>
    agent.run([
      "preview",
      "--policy-pack",
      join(root, "policies"),
      "--non-interactive",
      "--suppress-progress",
    ]);

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver", "pulumi");
    await needsCharts(this);
    api = await ApiServer.start(etcd, kubeApiserver);
    await furnish(api);
    folder = hubProject();
    agent = new TestStack("eu-1", api.kubeconfig(), config("eu-1", "prod"));
    const hub = new TestStack("prod", api.kubeconfig(), {}, { folder, project: "hub", beside: agent });
    for (const made of [agent.init(), hub.init(), hub.run(["up", "--yes", "--skip-preview"])])
      expect(made.code, made.output).to.equal(0);
  });
  after(async () => {
    await api?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("previews with the outputs of its hub, complies with the policies, and shows no password", () => {
    const { code, output } = preview();
    expect(code, output).to.equal(0);
    expect(output).not.to.include("[mandatory]");
    expect(output).not.to.include("password-of-");
    expect(output).to.include("gateway-credentials");
    expect(output).not.to.match(/kubernetes:helm\.sh\/v3:Release +(loki|mimir|tempo|grafana|minio) /);
    // The only gateway outside the cluster is unreachable.
    expect(output).to.include("hub.endpoints.loki: http://127.0.0.1:9 is not reachable as a gateway");
  });

  it("is rejected if its hub does not list it, or does not exist, before anything changes", () => {
    agent.configure(config("eu-2", "prod"));
    const unlisted = preview();
    expect(unlisted.code).not.to.equal(0);
    expect(unlisted.output).to.include(
      'cluster.name: invalid value "eu-2" (must be the name of an agent of organization/hub/prod, which has eu-1)',
    );
    agent.configure(config("eu-1", "nowhere"));
    const missing = preview();
    expect(missing.code).not.to.equal(0);
    expect(missing.output).to.include("organization/hub/nowhere");
  });
});
