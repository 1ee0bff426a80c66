/** The real Alloy on the kubelet's files while Loki is unavailable, Alloy ends and starts, and files are rotated: each line once. */
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { parseSettings, type Settings } from "../../settings";
import { LogReceiver } from "../support/otlp-logs";
import { containerFolder, envelopes, startCollector } from "../support/pod-logs";
import { needs } from "../support/tools";

const MiB = 1024 ** 2;

describe("cases: no log line is lost", function () {
  this.timeout(180_000);
  let alloy: string;
  let folder: string;
  let log: string;
  let receiver: LogReceiver;
  let stops: (() => Promise<void>)[];
  let written: number;

  before(function () {
    [alloy = ""] = needs(this, "alloy");
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "observability-log-loss-"));
    log = join(containerFolder(join(folder, "pods"), "shop", "api-0", "api"), "0.log");
    receiver = await LogReceiver.start();
    stops = [() => receiver.stop()];
    written = 0;
  });

  afterEach(async () => {
    for (const stop of (stops ?? []).reverse()) await stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const settings = (buffer = 256 * MiB): Settings => {
    const parsed = parseSettings("test", { environment: "dev", cluster: { name: "test" } });
    return { ...parsed, alloyLogs: { ...parsed.alloyLogs, buffer } };
  };
  const start = async (of = settings()) => {
    const storage = join(folder, "alloy");
    const collector = await startCollector(alloy, {
      settings: of,
      storage,
      files: join(folder, "pods"),
      url: receiver.url,
    });
    stops.push(() => collector.stop());
    return collector;
  };

  /** Writes so many lines, of about so many bytes, as the runtime does. */
  const write = (lines: number, bytes = 60) => {
    const text = Array.from({ length: lines }, () => {
      const line = `line ${++written} of the application `.padEnd(bytes, ".");
      return envelopes.containerd(line, "stdout", new Date(Date.now() + written / 1e6).toISOString());
    });
    appendFileSync(log, text.join(""));
  };
  /** What the kubelet does with a file of containerLogMaxSize. */
  const rotate = (time: string) => {
    renameSync(log, `${log}.${time}`);
    writeFileSync(log, "");
  };
  const compress = (time: string) => {
    writeFileSync(`${log}.${time}.tmp`, gzipSync(readFileSync(`${log}.${time}`)));
    renameSync(`${log}.${time}.tmp`, `${log}.${time}.gz`);
    rmSync(`${log}.${time}`);
  };

  /** Waits until a collector has put into its buffer what it reads, and gives the buffer's size. */
  const buffered = async ({ metrics }: Awaited<ReturnType<typeof start>>) => {
    let size = 0;
    for (let since = Date.now(); Date.now() - since < 4000; await wait(250)) {
      const now = Number(
        /^otelcol_exporter_queue_size\{[^}]*data_type="logs"[^}]*\} (\S+)/m.exec(await metrics())?.[1] ?? 0,
      );
      if (now !== size) since = Date.now();
      size = now;
    }
    return size;
  };

  /** How often each line has come. */
  const counts = () => {
    const found = new Map<number, number>();
    for (const { line } of receiver.entries) {
      const number = Number(/^line (\d+) /.exec(line)?.[1]);
      found.set(number, (found.get(number) ?? 0) + 1);
    }
    return found;
  };
  const result = () => {
    const found = counts();
    const missing = Array.from({ length: written }, (_, index) => index + 1).filter((n) => !found.has(n));
    return { missing, repeated: receiver.entries.length - found.size };
  };
  const complete = async (seconds: number) => {
    const deadline = Date.now() + seconds * 1000;
    while (counts().size < written && Date.now() < deadline) await wait(250);
    return result();
  };

  it("across an outage of Loki, restarts, kills, rotation and compression", async () => {
    write(500);
    const first = await start();
    expect(await complete(30)).to.deep.equal({ missing: [], repeated: 0 });

    // Loki is unavailable: what comes waits on the disk, and the collector ends and starts meanwhile.
    receiver.status = 503;
    write(2000);
    await buffered(first);
    rotate("20261128-100000");
    write(2000);
    await first.stop();

    // It is unavailable: what is rotated twice is compressed before it was read to its end.
    write(2000);
    rotate("20261128-110000");
    compress("20261128-100000");
    write(2000);
    const second = await start();
    await buffered(second);
    await second.stop("SIGKILL");
    write(2000);
    const third = await start();
    await buffered(third);
    receiver.status = 200;
    expect(await complete(60), third.log.slice(-2000)).to.deep.equal({ missing: [], repeated: 0 });
    await third.stop();

    // And nothing is read again.
    await start();
    write(10);
    expect(await complete(30)).to.deep.equal({ missing: [], repeated: 0 });
  });

  it("when lines are written while the collector shuts down", async () => {
    let writing = true;
    const writer = (async () => {
      while (writing) {
        write(100);
        await wait(20);
      }
    })();
    for (let round = 0; round < 3; round++) {
      const collector = await start();
      await wait(3000 + round * 337);
      await collector.stop();
    }
    writing = false;
    await writer;
    await start();
    expect(await complete(60)).to.deep.equal({ missing: [], repeated: 0 });
  });

  it("when a collector starts before the old one has ended, as after a forced deletion of its pod", async () => {
    write(500);
    const old = await start();
    expect(await complete(30)).to.deep.equal({ missing: [], repeated: 0 });
    const next = await start();
    await wait(5000);
    await old.stop();
    write(500);
    expect(await complete(30), next.log.slice(-2000)).to.deep.equal({ missing: [], repeated: 0 });
  });

  it("when the buffer is full: reading waits, and the disk holds no more than the buffer", async () => {
    receiver.status = 503;
    const collector = await start(settings(4 * MiB));
    for (let part = 0; part < 20; part++) {
      write(1000, 1000);
      if (part === 9) rotate("20261128-100000");
      await wait(100);
    }
    // A batch of 2,000 lines is 2 MiB: another one does not fit.
    expect(await buffered(collector)).to.be.within(2 * MiB, 4 * MiB);
    const database = join(folder, "alloy", "buffer");
    const stored = readdirSync(database).map((file) => statSync(join(database, file)).size);
    expect(Math.max(...stored)).to.be.within(2 * MiB, 16 * MiB);
    receiver.status = 200;
    expect(await complete(60), collector.log.slice(-2000)).to.deep.equal({ missing: [], repeated: 0 });
  });
});
