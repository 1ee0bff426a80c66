/** Mimir with the configuration of the settings writes to Google Cloud Storage with the identity of its pod. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { until } from "../../cli/lib/poll";
import { Mimir } from "../support/mimir";
import { freePort, Server } from "../support/servers";
import { gcsStorage, settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("binaries: Google Cloud Storage by identity", function () {
  this.timeout(120_000);
  /** Scopes of the tokens that were requested from the metadata server of the node. */
  const scopes: string[] = [];
  const { buckets } = settingsOf("dev").objectStorage;
  const settings = settingsOf("dev", { objectStorage: gcsStorage });
  let metadata: HttpServer;
  let storage: Server;
  let mimir: Mimir;
  let folder: string;
  let url: string;

  before(async function () {
    const [program = "", fake = ""] = needs(this, "mimir", "fake-gcs-server");
    folder = mkdtempSync(join(tmpdir(), "observability-gcs-"));
    metadata = createServer(({ url: asked = "" }, response) => {
      const { pathname, searchParams } = new URL(asked, "http://metadata");
      const token = pathname.endsWith("/token");
      if (token) scopes.push(searchParams.get("scopes") ?? "");
      response.setHeader("Metadata-Flavor", "Google");
      response.end(
        token ? JSON.stringify({ access_token: "token", expires_in: 3600, token_type: "Bearer" }) : "project",
      );
    });
    await new Promise<void>((done) => metadata.listen(0, "127.0.0.1", done));
    const port = await freePort();
    url = `http://127.0.0.1:${port}/storage/v1/b`;
    storage = await Server.start(
      fake,
      [
        "-scheme=http",
        "-host=127.0.0.1",
        `-port=${port}`,
        "-backend=memory",
        `-public-host=127.0.0.1:${port}`,
      ],
      { ready: async () => (await fetch(`${url}?project=p`)).ok },
    );
    for (const { name } of Object.values(buckets))
      await fetch(`${url}?project=p`, { method: "POST", body: JSON.stringify({ name }) });
    mimir = await Mimir.start(program, join(folder, "mimir"), settings, ["-common.storage.backend=gcs"], {
      STORAGE_EMULATOR_HOST: `http://127.0.0.1:${port}`,
      GCE_METADATA_HOST: `127.0.0.1:${(metadata.address() as { port: number }).port}`,
    });
  });

  after(async () => {
    await mimir?.stop();
    await storage?.stop();
    metadata?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("keeps blocks in the bucket, with a token of the node's metadata server", async () => {
    const { status, body } = await mimir.push("pods", {
      labels: { __name__: "up" },
      samples: [{ value: 1 }],
    });
    expect(status, body).to.equal(200);
    await mimir.ask(undefined, "/ingester/flush?wait=true", { method: "POST" });
    const names = await until(30, "the block", async () => {
      const { items = [] } = (await (await fetch(`${url}/${buckets.mimirBlocks.name}/o`)).json()) as {
        items?: { name: string }[];
      };
      return items.length ? items.map(({ name }) => name) : undefined;
    });
    expect(
      names.some((name) => /^pods\/[0-9A-Z]{26}\/meta\.json$/.test(name)),
      names.join(),
    ).to.equal(true);
    expect(scopes.join()).to.include("https://www.googleapis.com/auth/devstorage");
  });
});
