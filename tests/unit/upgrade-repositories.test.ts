import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { pins } from "../../charts";
import { chartReports } from "../../cli/commands/upgrade";
import { entriesOf, repositories } from "../../cli/commands/upgrade/repositories";
import { settingsOf } from "../support/stacks";

const index = `apiVersion: v1
entries:
  loki:
  - apiVersion: v2
    appVersion: "3.1"
    dependencies:
    - name: minio
      version: 9.9.9
    name: loki
    version: 2.0.0
  - appVersion: 3.0.0
    name: loki
    version: 1.10.0
  loki-canary:
  - name: loki-canary
    version: 7.0.0
generated: "2026-01-01T00:00:00Z"
`;

/** What an error says. */
const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: Error) => error.message,
  );

describe("unit: upgrade: repositories", () => {
  let server: Server;
  let host: string;
  let asked: string[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const mirror = process.env["OBS_CHARTS"];

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      answer(request, response);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after((done) => {
    server.close(done);
    server.closeAllConnections();
  });
  beforeEach(() => {
    asked = [];
    delete process.env["OBS_CHARTS"];
  });
  afterEach(() => {
    if (mirror !== undefined) process.env["OBS_CHARTS"] = mirror;
  });

  it("read an index over HTTP, once for all charts", async () => {
    answer = (_, response) => response.end(index);
    const offers = repositories();
    const loki = await offers("loki", `http://${host}/charts/`);
    expect(loki.versions).to.deep.equal(["2.0.0", "1.10.0"]);
    expect([await loki.app("2.0.0"), await loki.app("1.10.0"), await loki.app("5.0.0")]).to.deep.equal([
      "3.1",
      "3.0.0",
      undefined,
    ]);
    expect(await messageOf(offers("grafana", `http://${host}/charts`))).to.include("has no grafana");
    expect(asked).to.deep.equal(["/charts/index.yaml"]);
  });

  it("read an index in any form", () => {
    const entries = [{ version: "1.0.0", appVersion: "2" }];
    const json = JSON.stringify({ entries: { loki: entries } });
    expect(entriesOf("loki", json)).to.deep.equal(entries);
    expect(
      entriesOf("loki", "entries:\n    loki:\n      - version: 1.0.0\n        appVersion: '2'\n"),
    ).to.deep.equal(entries);
    expect(entriesOf("loki", `entries:\n  loki:\n  - version: 1.0.0\n    appVersion: "2"`)).to.deep.equal(
      entries,
    );
    expect(entriesOf("canary", index)).to.deep.equal([]);
  });

  it("read a registry's tags page by page with the token that it gives, and a chart's application", async () => {
    const name = "charts/loki";
    answer = ({ url = "", headers }, response) => {
      const { pathname, searchParams } = new URL(url, `http://${host}`);
      if (pathname === "/token") {
        expect(searchParams.get("scope")).to.equal(`repository:${name}:pull`);
        return response.end(JSON.stringify({ token: "for-everyone" }));
      }
      if (headers.authorization !== "Bearer for-everyone") {
        const challenge = `Bearer realm="http://${host}/token",service="registry",scope="repository:${name}:pull"`;
        return response.writeHead(401, { "www-authenticate": challenge }).end();
      }
      if (pathname === `/v2/${name}/tags/list` && searchParams.get("last") === null) {
        response.setHeader("link", `</v2/${name}/tags/list?n=2&last=b>; rel="next"`);
        return response.end(JSON.stringify({ name, tags: ["1.0.0", "1.1.0_build"] }));
      }
      if (pathname === `/v2/${name}/tags/list`)
        return response.end(JSON.stringify({ name, tags: ["latest", "2.0.0"] }));
      if (pathname === `/v2/${name}/manifests/1.1.0_build`)
        return response.end(JSON.stringify({ config: { digest: "sha256:abc" } }));
      if (pathname === `/v2/${name}/blobs/sha256:abc`)
        return response.end(JSON.stringify({ appVersion: "3.2.1" }));
      return response.writeHead(404).end();
    };
    const loki = await repositories()("loki", `oci://${host}/charts`);
    expect(loki.versions).to.deep.equal(["1.0.0", "1.1.0+build", "latest", "2.0.0"]);
    expect(await loki.app("1.1.0+build")).to.equal("3.2.1");
    expect(asked.filter((url) => url.startsWith("/token"))).to.have.length(1);
  });

  it("say who does not answer, and why", async () => {
    answer = (_, response) => response.writeHead(503).end();
    const offers = repositories();
    expect(await messageOf(offers("loki", `http://${host}`))).to.equal(
      `http://${host}/index.yaml answered 503`,
    );
    expect(await messageOf(offers("loki", `oci://${host}/charts`))).to.match(
      /tags\/list\?n=1000 answered 503$/,
    );
    expect(await messageOf(offers("loki", "http://127.0.0.1:1"))).to.match(
      /^http:\/\/127.0.0.1:1\/index.yaml: ./,
    );
    answer = (_, response) => response.writeHead(401).end();
    expect(await messageOf(offers("loki", `oci://${host}/charts`))).to.match(/answered 401$/);
  });

  it("read a folder of charts and packages", async () => {
    const folder = mkdtempSync(join(tmpdir(), "observability-charts-"));
    try {
      mkdirSync(join(folder, "loki"));
      writeFileSync(join(folder, "loki", "Chart.yaml"), "name: loki\nversion: 1.0.0\nappVersion: 3.0.0\n");
      for (const file of ["loki-2.0.0.tgz", "loki-canary-3.0.0.tgz"]) writeFileSync(join(folder, file), "");
      const loki = await repositories()("loki", folder);
      expect(loki.versions).to.deep.equal(["1.0.0", "2.0.0"]);
      expect([await loki.app("1.0.0"), await loki.app("2.0.0")]).to.deep.equal(["3.0.0", undefined]);
      expect(await messageOf(repositories()("grafana", folder))).to.include("holds no grafana");
      expect(await messageOf(repositories()("loki", join(folder, "none")))).to.include("there is no folder");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("are asked about every chart, and one that fails keeps no other from its report", async () => {
    const { version } = pins.loki;
    answer = (_, response) =>
      response.end(`entries:\n  loki:\n  - version: ${version}\n    appVersion: ${pins.loki.appVersion}\n`);
    const settings = settingsOf("dev", { charts: { mirror: `http://${host}` } });
    const reports = await chartReports(settings, false);
    expect(reports.map(({ chart }) => chart)).to.deep.equal(Object.keys(pins));
    const [loki] = reports.filter(({ chart }) => chart === "loki");
    expect(loki).to.deep.equal({ chart: "loki", pinned: version, notes: [] });
    expect(reports.filter(({ unreachable }) => unreachable)).to.have.length(reports.length - 1);
  });
});
