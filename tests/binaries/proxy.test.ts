/** Alertmanager and Mimir's Alertmanager send to receivers through the proxy of the settings. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { alertmanagerConfig } from "../../values/alertmanager";
import { Mimir } from "../support/mimir";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("binaries: receivers through a proxy", function () {
  this.timeout(120_000);
  const asked: string[] = [];
  let proxy: HttpServer;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "observability-proxy-"));
    proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      request.resume();
      response.end();
    });
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
  });

  after(() => {
    proxy?.closeAllConnections();
    proxy?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const settings = (webhookUrl: string) =>
    settingsOf("prod", {
      alerting: { groupWait: "1s", receivers: { team: { webhookUrl } } },
      network: { proxy: { url: `http://127.0.0.1:${(proxy.address() as { port: number }).port}` } },
    });

  const fire = async (url: string, headers: Record<string, string> = {}) => {
    const { status } = await fetch(`${url}/api/v2/alerts`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify([{ labels: { alertname: "DiskFull", severity: "critical" } }]),
    });
    expect(status).to.equal(200);
  };

  it("Alertmanager", async function () {
    const [program = ""] = needs(this, "alertmanager");
    writeFileSync(
      join(folder, "alertmanager.yaml"),
      stringify(alertmanagerConfig(settings("http://hooks.invalid/alertmanager"))),
    );
    const url = `http://127.0.0.1:${await freePort()}`;
    const alertmanager = await Server.start(
      program,
      [
        `--config.file=${join(folder, "alertmanager.yaml")}`,
        `--storage.path=${join(folder, "data")}`,
        `--web.listen-address=${new URL(url).host}`,
        "--cluster.listen-address=",
      ],
      { ready: async () => (await fetch(`${url}/-/ready`)).ok },
    );
    try {
      await fire(url);
      await until(30, "the request at the proxy", async () =>
        asked.find((one) => one === "http://hooks.invalid/alertmanager"),
      );
    } finally {
      await alertmanager.stop();
    }
  });

  it("Mimir's Alertmanager", async function () {
    const [program = ""] = needs(this, "mimir");
    const mimir = await Mimir.start(program, join(folder, "mimir"), settings("http://hooks.invalid/mimir"));
    try {
      await until(30, "the tenant's Alertmanager", () =>
        fire(`${mimir.url}/alertmanager`, { "X-Scope-OrgID": "pods" }).then(() => true),
      );
      await until(30, "the request at the proxy", async () =>
        asked.find((one) => one === "http://hooks.invalid/mimir"),
      );
    } finally {
      await mimir.stop();
    }
  });
});
