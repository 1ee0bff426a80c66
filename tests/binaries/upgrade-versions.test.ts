/** `obs upgrade --check`: the real helm finds the newest version of a chart in a range. */
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { pins } from "../../charts";
import { chartReports } from "../../cli/commands/upgrade";
import { newestIn } from "../../cli/commands/upgrade/versions";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

describe("binaries: newer charts", function () {
  this.timeout(60_000);
  let folder: string;
  let server: Server;
  let url: string;

  before(async function () {
    needs(this, "helm");
    folder = mkdtempSync(join(tmpdir(), "observability-repository-"));
    mkdirSync(join(folder, "alloy"));
    for (const version of ["1.0.0", pins.alloy.version, "9.0.0", "9.1.0-rc.1"]) {
      const chart = `apiVersion: v2\nname: alloy\nversion: ${version}\nappVersion: v${version}\n`;
      writeFileSync(join(folder, "alloy", "Chart.yaml"), chart);
      execFileSync("helm", ["package", join(folder, "alloy"), "--destination", folder], { stdio: "pipe" });
    }
    execFileSync("helm", ["repo", "index", folder], { stdio: "pipe" });
    server = createServer(({ url: path = "" }, response) => {
      const file = join(folder, path);
      if (existsSync(file)) createReadStream(file).pipe(response);
      else response.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(() => {
    server?.close();
    server?.closeAllConnections();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it("are the newest in a range, without prereleases", async () => {
    expect(await newestIn("alloy", url, ">=1.0.0")).to.deep.equal({ version: "9.0.0", appVersion: "v9.0.0" });
    expect(await newestIn("alloy", url, ">=1.0.0, <2.0.0")).to.deep.equal({
      version: pins.alloy.version,
      appVersion: `v${pins.alloy.version}`,
    });
  });

  it("are found in a mirror, and a chart that it lacks does not affect the others", async () => {
    const before = process.env["OBS_CHARTS"];
    delete process.env["OBS_CHARTS"];
    try {
      const reports = await chartReports(settingsOf("dev", { charts: { mirror: url } }), false);
      expect(reports.map(({ chart }) => chart)).to.deep.equal(Object.keys(pins));
      const missing = reports.filter(({ unreachable }) => unreachable);
      expect(missing).to.have.length(reports.length - 1);
      expect(missing[0]?.unreachable).to.include("not found in");
      expect(reports.find(({ chart }) => chart === "alloy")).to.include({
        newest: "9.0.0",
        allowed: "9.0.0",
      });
    } finally {
      if (before !== undefined) process.env["OBS_CHARTS"] = before;
    }
  });
});
