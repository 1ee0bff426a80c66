/** The preflight's facts from a real API server: all of them, and those that a user may not read. */
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { examine } from "../../components/preflight";
import type { Facts } from "../../components/preflight/facts";
import { readFacts } from "../../components/preflight/read-facts";
import { parseSettings } from "../../settings";
import { ApiServer } from "../support/api-server";
import { furnish } from "../support/furnish";
import type { KubernetesObject } from "../support/rendered";
import { ready } from "../support/stacks";
import { needs } from "../support/tools";

const settings = parseSettings("prod", ready("prod"));
const named = (name: string) => ({ name, namespace: "kube-system" });

describe("charts: facts of the preflight", function () {
  this.timeout(120_000);
  let api: ApiServer;
  let config: KubeConfig;

  before(async function () {
    const [etcd = "", kubeApiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, kubeApiserver);
    await furnish(api);
    config = new KubeConfig();
    config.loadFromFile(api.kubeconfig());
  });

  after(async () => api?.stop());

  it("are all read, and there are no findings for a suitable cluster", async () => {
    const { facts, unread } = await readFacts(config, settings);
    expect(unread).to.deep.equal({});
    expect(facts.version).to.match(/^v1\.\d+/);
    expect(facts.clusterUid).to.match(/^[0-9a-f-]{36}$/);
    expect(facts.nodes?.map(({ status }) => status?.allocatable?.["cpu"])).to.deep.equal(Array(6).fill("16"));
    expect(facts.secrets?.map(({ name, found }) => [name, found])).to.deep.include([
      "grafana-login",
      ["OAUTH_CLIENT_SECRET"],
    ]);
    const { findings, unchecked } = examine("prod", settings, { facts, unread });
    expect(unchecked).to.deep.equal([]);
    expect(findings.filter(({ severity }) => severity === "error")).to.deep.equal([]);
  });

  it("are only metadata for CRDs and for Helm's releases, which are large", async () => {
    const release: KubernetesObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { ...named("sh.helm.release.v1.keda.v1"), labels: { owner: "helm", name: "keda" } },
      stringData: { release: "large" },
    };
    expect((await api.create(release)).status).to.equal(201);
    const { facts } = await readFacts(config, settings, ["releases", "definitions"]);
    expect(facts.releases?.map(({ name, labels }) => [name, labels?.["name"]])).to.deep.equal([
      ["sh.helm.release.v1.keda.v1", "keda"],
    ]);
    expect(JSON.stringify(facts)).not.to.include("bGFyZ2U=");
  });

  it("are missing with the reason for a user without permissions", async () => {
    const anonymous = new KubeConfig();
    anonymous.loadFromString(config.exportConfig());
    anonymous.users = [{ name: "test" }];
    const { facts, unread } = await readFacts(anonymous, settings);
    expect(Object.keys(facts)).to.deep.equal(["version"]);
    const reason = unread["nodes" satisfies keyof Facts] ?? "";
    expect(reason).to.match(/nodes is forbidden: User "system:anonymous" cannot list resource "nodes"/);
  });

  it("are an error for a cluster that does not respond", async () => {
    const nowhere = new KubeConfig();
    nowhere.loadFromString(
      config.exportConfig().replace(/https:\/\/127\.0\.0\.1:\d+/, "https://127.0.0.1:1"),
    );
    const failed = await readFacts(nowhere, settings).catch((error: Error) => error);
    expect((failed as Error).message).to.match(
      /^the cluster does not respond, so no changes were made: .*ECONNREFUSED/,
    );
  });
});
