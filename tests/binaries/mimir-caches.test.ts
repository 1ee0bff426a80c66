/** A real Mimir starts and responds while its caches are unavailable, and uses them as soon as they are available. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "chai";
import { cacheArguments } from "../../values/mimir-caches";
import { Mimir } from "../support/mimir";
import { freePort, Server } from "../support/servers";
import { settingsOf } from "../support/stacks";
import { needs } from "../support/tools";

const settings = settingsOf("prod", { mimir: { replicationFactor: 1 } });

/** The chart's cache settings with other addresses: `-<client>.backend=memcached` precedes each of them. */
const argumentsWith = (addresses: string) =>
  Object.keys(cacheArguments(settings)).flatMap((flag) => [
    `-${flag}=${addresses}`,
    `-${flag.replace("memcached.addresses", "backend")}=memcached`,
  ]);

/** A counter of memcached. */
const counted = (port: number, name: string) =>
  new Promise<number>((done, fail) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("stats\r\nquit\r\n"));
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("error", fail);
    socket.on("close", () => done(Number(new RegExp(`STAT ${name} (\\d+)`).exec(text)?.[1])));
  });

describe("binaries: Mimir's caches", function () {
  this.timeout(180_000);
  let mimir: string;
  let memcached: string;
  let folder: string;
  let running: { stop(): Promise<void> }[] = [];

  before(function () {
    [mimir = "", memcached = ""] = needs(this, "mimir", "memcached");
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "observability-caches-"));
  });
  afterEach(async () => {
    await Promise.all(running.map((each) => each.stop()));
    running = [];
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (addresses: string) => {
    const started = await Mimir.start(mimir, folder, settings, [
      "-query-frontend.cache-results=true",
      ...argumentsWith(addresses),
    ]);
    running.push(started);
    return started;
  };

  it("may be unavailable when it starts, and are used when they appear", async () => {
    // A Service without pods refuses connections, like a port without a listener.
    const port = await freePort();
    const server = await start(`127.0.0.1:${port}`);
    const hour = Math.floor(Date.now() / 3_600_000) * 3600;
    const samples = [{ value: 42, time: Date.now() }];
    const written = await server.push("pods", { labels: { __name__: "obs_cached" }, samples } as never);
    expect(written.status, written.body).to.equal(200);
    expect(await server.query("pods", "obs_cached")).to.have.length(1);
    // A range in the past: recent results are never cached.
    const range = `query_range?query=vector(1)&start=${hour - 7200}&end=${hour - 3600}&step=60`;
    expect(await server.data("pods", range)).to.have.property("result");

    running.push(
      await Server.start(memcached, ["-l", "127.0.0.1", "-p", String(port), "-U", "0", "-u", "nobody"], {
        ready: async () => Number.isFinite(await counted(port, "pid")),
      }),
    );
    const deadline = Date.now() + 60_000;
    while ((await counted(port, "get_hits")) === 0 && Date.now() < deadline) {
      await server.data("pods", range);
      await wait(500);
    }
    expect(await counted(port, "cmd_set")).to.be.above(0);
    expect(await counted(port, "get_hits")).to.be.above(0);
  });

  it("would prevent its start if they were named by pods that are not ready", async () => {
    const error = await start("dnssrvnoa+results-cache.invalid:11211").then(
      () => "it started",
      (failure: Error) => failure.message,
    );
    expect(error).to.include("no memcached server addresses were resolved");
  });
});
