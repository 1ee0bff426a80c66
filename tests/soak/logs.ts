/**
 * The real Alloy and the real Loki under a steady rate of log lines for a long time: the kubelet rotates the files,
 * Loki is unavailable for a while, Alloy restarts. Counts lost and duplicate lines.
 *
 * npm run test:soak -- --minutes 30 --outage 8 --pause 3 --rate 1500
 *
 * Needs alloy and loki on PATH, and 1 GB of disk for an hour.
 */
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
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { tenants } from "../../names";
import { parseSettings } from "../../settings";
import { prod } from "../../settings/prod";
import { usableMemory } from "../../settings/protection";
import { bytesOf } from "../../settings/units";
import { lokiConfiguration } from "../../values/loki-configuration";
import { Loki } from "../support/loki";
import { containerFolder, envelopes, startCollector } from "../support/pod-logs";

const { values: options } = parseArgs({
  options: {
    /** Lines per second. */
    rate: { type: "string", default: "1500" },
    /** Minutes with everything healthy. */
    minutes: { type: "string", default: "30" },
    /** Minutes without Loki after that. */
    outage: { type: "string", default: "8" },
    /** Minutes between the later steps: recovery, and each of two restarts of Alloy. */
    pause: { type: "string", default: "3" },
  },
});
const [rate, minutes, outage, pause] = [options.rate, options.minutes, options.outage, options.pause].map(
  Number,
) as [number, number, number, number];

const folder = mkdtempSync(join(tmpdir(), "observability-soak-"));
const settings = parseSettings("test", { environment: "dev", cluster: { name: "test" } });
const MiB = 1024 ** 2;

/** A container whose log files the kubelet keeps: containerLogMaxSize 10Mi, containerLogMaxFiles 5. */
class Container {
  written = 0;
  private size = 0;
  private readonly file: string;
  constructor(
    readonly name: string,
    /** Share of all lines. */
    private readonly share: number,
  ) {
    this.file = join(containerFolder(join(folder, "pods"), "shop", name, name), "0.log");
  }
  /** Writes the lines that are due after a number of seconds. */
  write(seconds: number) {
    const due = Math.floor(seconds * rate * this.share) - this.written;
    if (due <= 0) return;
    const base = new Date().toISOString().slice(0, -1);
    let text = "";
    for (let i = 0; i < due; i++) {
      const line = `level=info app=${this.name} request=${++this.written} path=/orders/${this.written % 977} duration=12ms `;
      text += envelopes.containerd(line.padEnd(200, "x"), "stdout", `${base}${String(i).padStart(6, "0")}Z`);
    }
    appendFileSync(this.file, text);
    this.size += text.length;
  }
  /**
   * The kubelet's rotation, every 10 s:
   * https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/logs/container_log_manager.go
   */
  rotate() {
    if (this.size < 10 * MiB) return;
    const parent = join(this.file, "..");
    const rotated = readdirSync(parent)
      .filter((name) => name !== "0.log")
      .sort();
    for (const name of rotated.splice(0, Math.max(0, rotated.length - 3))) rmSync(join(parent, name));
    for (const name of rotated.filter((other) => !other.endsWith(".gz"))) {
      const path = join(parent, name);
      writeFileSync(`${path}.tmp`, gzipSync(readFileSync(path)));
      renameSync(`${path}.tmp`, `${path}.gz`);
      rmSync(path);
    }
    renameSync(this.file, `${this.file}.${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}`);
    writeFileSync(this.file, "");
    this.size = 0;
  }
}
// One is busy, the others share the rest.
const containers = [
  new Container("busy", 0.5),
  ...Array.from({ length: 10 }, (_, i) => new Container(`calm-${i}`, 0.05)),
];

/** The gateway: it sets the tenant, and rejects requests while Loki is unavailable. */
let upstream = "";
const gateway = createServer((incoming, outgoing) => {
  const answer = request(
    upstream + incoming.url,
    { method: incoming.method, headers: { ...incoming.headers, "x-scope-orgid": tenants.logs } },
    (from) => {
      outgoing.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(outgoing);
    },
  );
  answer.on("error", () => {
    if (!outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end();
  });
  incoming.pipe(answer);
});

async function main() {
  await new Promise<void>((done) => gateway.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const limits = lokiConfiguration(settings)["limits_config"] as Record<string, unknown>;
  const startLoki = async () => {
    const started = await Loki.start("loki", join(folder, "loki"), limits);
    upstream = started.url;
    return started;
  };
  let loki = await startLoki();
  // As in production.
  const memory = String(Math.floor(bytesOf(prod.alloyLogs.memoryLimit) * usableMemory));
  const startAlloy = async () => {
    process.env["GOMEMLIMIT"] = memory;
    const started = await startCollector("alloy", {
      settings,
      storage: join(folder, "alloy"),
      files: join(folder, "pods"),
      url,
    });
    delete process.env["GOMEMLIMIT"];
    return started;
  };
  let alloy = await startAlloy();

  let received = 0;
  const value = (text: string, name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, "gm"))].reduce(
      (sum, [, found]) => sum + Number(found),
      0,
    );
  const lokiReceived = async () =>
    value(await (await fetch(`${upstream}/metrics`)).text(), "loki_distributor_lines_received_total");

  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  let phase = "healthy";
  const tick = setInterval(() => {
    for (const container of containers) container.write(seconds());
  }, 100);
  const rotations = setInterval(() => {
    for (const container of containers) container.rotate();
  }, 10_000);
  const most = new Map<string, Record<string, number>>();
  const look = async () => {
    const text = await alloy.metrics().catch(() => "");
    if (!text) return;
    const size = (name: string) =>
      readdirSync(join(folder, "alloy", name)).reduce(
        (sum, file) => sum + statSync(join(folder, "alloy", name, file)).size,
        0,
      );
    const found: Record<string, number> = {
      memory: value(text, "process_resident_memory_bytes") / MiB,
      queue: value(text, "otelcol_exporter_queue_size") / MiB,
      buffer: size("buffer") / MiB,
      positions: size("positions") / MiB,
      cpu: value(text, "process_cpu_seconds_total"),
      load: loadavg()[0] ?? 0,
    };
    const before = most.get(phase) ?? {};
    for (const [name, now] of Object.entries(found)) before[name] = Math.max(before[name] ?? 0, now);
    most.set(phase, before);
    const shown = Object.entries(found).map(([name, now]) => `${name}=${now.toFixed(1)}`);
    console.log(`${seconds().toFixed(0)} s ${phase} written=${written()} ${shown.join(" ")}`);
  };
  const written = () => containers.reduce((sum, container) => sum + container.written, 0);
  const looks = setInterval(() => void look().catch(() => undefined), 10_000);

  await wait(minutes * 60_000);
  phase = "without Loki";
  received += await lokiReceived();
  await loki.stop();
  await wait(outage * 60_000);
  phase = "recovery";
  const back = Date.now();
  loki = await startLoki();
  while (
    value(
      await alloy.metrics().catch(() => "otelcol_exporter_queue_size 9e9"),
      "otelcol_exporter_queue_size",
    ) >
    4 * MiB
  )
    await wait(500);
  console.log(`queue drained ${(Date.now() - back) / 1000} s after Loki's start`);
  await wait(pause * 60_000);
  for (const restart of ["first restart", "second restart"]) {
    phase = restart;
    await alloy.stop();
    await wait(5000);
    alloy = await startAlloy();
    await wait(pause * 60_000);
  }
  clearInterval(tick);
  clearInterval(rotations);
  phase = "count";
  await wait(20_000);
  received += await lokiReceived();
  clearInterval(looks);
  for (const [name, found] of most) console.log(name, JSON.stringify(found));

  let found = 0;
  for (let at = began - 60_000; at < Date.now(); at += 300_000) {
    const query = new URLSearchParams({
      query: 'sum(count_over_time({namespace="shop"}[5m]))',
      time: String((at + 300_000) / 1000),
    });
    const answer = await fetch(`${url}/loki/api/v1/query?${query}`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    found += Number(data.result[0]?.value[1] ?? 0);
  }
  const lost = written() - found;
  console.log(`lost ${lost}, sent twice ${received - written()}, of ${written()}`);
  await alloy.stop();
  await loki.stop();
  gateway.close();
  gateway.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
  process.exit(lost ? 1 : 0);
}
void main();
