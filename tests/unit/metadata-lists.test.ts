/** Lists of metadata, as the API server of a new cluster returns them. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { readReleases } from "../../cli/lib/helm-history";
import { readFacts } from "../../components/preflight/read-facts";
import { settingsOf } from "../support/stacks";

describe("unit: lists of metadata", () => {
  const accepted: Record<string, string> = {};
  let server: Server;
  const config = new KubeConfig();

  before(async () => {
    server = createServer(({ url = "", headers }, response) => {
      const path = url.replace(/\?.*/, "");
      accepted[path] = headers.accept ?? "";
      response.setHeader("Content-Type", "application/json");
      // An empty list of metadata has no array.
      response.end(JSON.stringify(path === "/version" ? { gitVersion: "v1.34.3" } : { items: null }));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    config.loadFromClusterAndUser(
      { name: "test", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "test" },
    );
  });
  after(() => server?.close());

  const metadata = /^application\/json;as=PartialObjectMetadataList;/;

  it("no release", async () => {
    expect(await readReleases(config, new Set(["loki"]))).to.deep.equal([]);
    expect(accepted["/api/v1/secrets"]).to.match(metadata);
  });

  it("facts of the preflight", async () => {
    delete accepted["/api/v1/secrets"];
    const { facts, unread } = await readFacts(config, settingsOf("dev"), ["definitions", "releases"]);
    expect(unread).to.deep.equal({});
    expect(facts).to.include.keys("definitions", "releases");
    expect([facts.definitions, facts.releases]).to.deep.equal([[], []]);
    expect(accepted["/api/v1/secrets"]).to.match(metadata);
    expect(accepted["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"]).to.match(metadata);
  });
});
