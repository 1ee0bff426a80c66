/** The script of the drills' writers, with servers instead of stores. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { readRecord, type Record as Written } from "../chaos/record";
import { readLine } from "../nodes/found";

describe("node drills, the writer's script", function () {
  this.timeout(30_000);
  let server: Server;
  let child: ChildProcess | undefined;
  before(function () {
    if (spawnSync("busybox", ["httpd", "--help"]).status === null) this.skip();
  });
  after(() => {
    if (child?.pid) process.kill(-child.pid);
    server?.close();
  });

  it("numbers lines and traces once, even after a restart, retries, and records its actions", async () => {
    const folder = mkdtempSync(join(tmpdir(), "obs-load-"));
    mkdirSync(join(folder, "data"));
    let refuse = 2;
    const traces: string[] = [];
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (part) => {
        body += part;
      });
      request.on("end", () => {
        const traced = request.url === "/v1/traces";
        const status = traced && refuse-- > 0 ? 503 : request.url === "/refused" ? 400 : 200;
        if (traced && status === 200) traces.push(body);
        response
          .writeHead(status)
          .end(request.url?.startsWith("/query") ? `"found":${request.url}` : "nothing");
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(join(folder, "writers"), "node-1\n");
    writeFileSync(
      join(folder, "queries"),
      `loki TOKEN ${url}/query?at=@NOW found\ntempo TOKEN ${url}/query not-there\n`,
    );
    writeFileSync(join(folder, "writes"), `mimir TOKEN ${url}/refused {"at":"@NOW"}\n`);
    const recorded = () => {
      const file = join(folder, "data", "www", "record.txt");
      return readRecord(existsSync(file) ? readFileSync(file, "utf8") : "");
    };
    /** Output of the script until its record has a number of batches, and a trace that was sent again. */
    const run = async (batches: number) => {
      const env = {
        ...{ PATH: process.env["PATH"], TOKEN: "Basic abc", LOAD_NAME: "nodes", LOAD_RUN: "0123abcd" },
        ...{ LOAD_WRITER: "node-1", LOAD_LINES: "10", LOAD_SPANS: "3", LOAD_TRACES: url, LOAD_STATUS: "0" },
        ...{ LOAD_FOLDER: folder, LOAD_DATA: join(folder, "data"), LOAD_PORT: "0" },
      };
      child = spawn("busybox", ["sh", "tests/chaos/load.sh"], { env, detached: true });
      let out = "";
      child.stdout?.on("data", (part) => {
        out += part;
      });
      const enough = ({ batches: all, spans, writes }: Written) =>
        all.length >= batches &&
        writes.length > 0 &&
        spans.some(({ tries, status }) => tries > 1 && status === 200);
      while (!enough(recorded())) await wait(50);
      if (child.pid) process.kill(-child.pid);
      child = undefined;
      return out.trimEnd().split("\n");
    };
    const lines = [...(await run(2)), ...(await run(4))];
    const numbers = lines.map((line) => readLine(line).number);
    expect(new Set(numbers).size).to.equal(numbers.length);
    const record = recorded();
    expect(record.batches.length).to.be.greaterThan(3);
    const newest = record.batches.at(-1);
    // The restart may happen between a number and its record.
    expect(newest?.batch).to.be.within(record.batches.length, record.batches.length + 1);
    expect(newest?.last).to.equal((newest?.batch ?? 0) * 10);
    expect(record.spans.filter(({ tries, status }) => tries > 1 && status === 200)).not.to.have.length(0);
    expect(record.queries.filter(({ store }) => store === "loki").map(({ status }) => status)).to.include(
      200,
    );
    expect(record.queries.filter(({ store }) => store === "tempo").map(({ status }) => status)).to.include(
      "empty",
    );
    expect(record.writes[0]).to.include({ store: "mimir", tries: 1, status: 400 });
    const first = JSON.parse(traces.find((text) => text.includes(`${"0".repeat(19)}1"`)) ?? "");
    const { spans } = first.resourceSpans[0].scopeSpans[0];
    expect(spans).to.have.length(3);
    expect(spans[0].traceId).to.equal("0123abcd000000000000000000000001");
  });
});
