/** The doctor's own requests to a real API server, in addition to those of the client library. */
import { gzipSync } from "node:zlib";
import { KubeConfig } from "@kubernetes/client-node";
import { expect } from "chai";
import { readReleases } from "../../cli/lib/helm-history";
import { ApiServer } from "../support/api-server";
import { needs } from "../support/tools";

describe("binaries: the doctor's requests to the API server", function () {
  this.timeout(5 * 60 * 1000);
  let api: ApiServer;
  const config = new KubeConfig();

  before(async function () {
    const [etcd = "", apiserver = ""] = needs(this, "etcd", "kube-apiserver");
    api = await ApiServer.start(etcd, apiserver);
    config.loadFromFile(api.kubeconfig());
  });
  after(() => api?.stop());

  it("reads the newest revision of the stack's releases", async () => {
    const release = (revision: number) => ({
      name: "loki",
      namespace: "loki",
      version: revision,
      info: { status: "deployed" },
      chart: { metadata: { name: "loki", version: "1.0.0" } },
      manifest: "---\nkind: Service\n",
    });
    await api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "loki" } });
    for (const revision of [1, 2]) {
      const inner = gzipSync(JSON.stringify(release(revision))).toString("base64");
      const { status } = await api.create({
        apiVersion: "v1",
        kind: "Secret",
        metadata: {
          name: `sh.helm.release.v1.loki.v${revision}`,
          namespace: "loki",
          labels: { owner: "helm", name: "loki", version: String(revision) },
        },
        data: { release: Buffer.from(inner).toString("base64") },
      });
      expect(status).to.equal(201);
    }
    const found = await readReleases(config, new Set(["loki"]));
    expect(found.map(({ name, revision }) => [name, revision])).to.deep.equal([["loki", 2]]);
    expect(found[0]?.objects()).to.deep.equal([{ kind: "Service" }]);
    expect(await readReleases(config, new Set(["mimir"]))).to.deep.equal([]);
  });
});
