/** Retention (R14): a real Loki deletes expired streams from a real MinIO, and no others. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { until } from "../../cli/lib/poll";
import { s3Env } from "../../names";
import { Minio } from "../support/minio";
import { find, renderStack } from "../support/rendered";
import { freePort, Server } from "../support/servers";
import { needs, needsCharts } from "../support/tools";

const day = 86_400_000;
const bucket = "loki-data";

/** Streams with the age of their lines in days, and whether they expire. */
const streams: { labels: Record<string, string>; age: number; fate: "deleted" | "kept" }[] = [
  { labels: { namespace: "shop" }, age: 5, fate: "deleted" },
  { labels: { namespace: "shop" }, age: 2, fate: "kept" },
  { labels: { namespace: "kube-system" }, age: 2, fate: "deleted" },
  { labels: { namespace: "kube-system" }, age: 0, fate: "kept" },
  { labels: { namespace: "shop", level: "debug" }, age: 2.5, fate: "deleted" },
  { labels: { namespace: "shop", level: "debug" }, age: 1, fate: "kept" },
  { labels: { namespace: "audit" }, age: 5, fate: "kept" },
  { labels: { namespace: "audit", level: "debug" }, age: 5, fate: "kept" },
];
const name = ({ labels, age }: (typeof streams)[number]) =>
  `${Object.values(labels).join(" ")}, ${age} days old`;

describe("binaries: Loki deletes expired logs", function () {
  this.timeout(300_000);
  let program: string;
  let folder: string;
  let minio: Minio;
  let server: Server | undefined;
  let port: number;

  before(async function () {
    await needsCharts(this);
    const [loki = "", minioProgram = ""] = needs(this, "loki", "minio");
    program = loki;
    folder = mkdtempSync(join(tmpdir(), "observability-retention-"));
    minio = await Minio.start(minioProgram, folder);
    await minio.client.makeBucket(bucket);
  });

  after(async () => {
    await server?.stop();
    await minio?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /**
   * Starts Loki with the chart's configuration, all components in one process on loopback; `compactor` is merged over
   * it.
   */
  const start = async (compactor: Record<string, unknown>) => {
    const stack = await renderStack({
      environment: "dev",
      loki: { retention: { application: "3d", system: "1d", debug: "2d", namespaces: { audit: "6d" } } },
    });
    const text: string = find(stack, "ConfigMap", "loki")["data"]["config.yaml"];
    const { memberlist, frontend, frontend_worker, runtime_config, ...config } = parse(
      text.replaceAll("/var/loki", join(folder, "loki")).replace("http://minio.minio.svc:9000", minio.url),
    );
    const [http, grpc] = [await freePort(), await freePort()];
    port = http;
    config.common = {
      ...config.common,
      compactor_grpc_address: `127.0.0.1:${grpc}`,
      instance_addr: "127.0.0.1",
      ring: { kvstore: { store: "inmemory" }, instance_addr: "127.0.0.1" },
    };
    config.compactor = { ...config.compactor, ...compactor };
    const file = join(folder, "loki.yaml");
    writeFileSync(file, stringify(config));
    server = await Server.start(
      program,
      [
        `-config.file=${file}`,
        "-config.expand-env=true",
        "-log.level=warn",
        "-server.http-listen-address=127.0.0.1",
        `-server.http-listen-port=${http}`,
        "-server.grpc-listen-address=127.0.0.1",
        `-server.grpc-listen-port=${grpc}`,
        "-ingester.min-ready-duration=0s",
      ],
      {
        environment: {
          [s3Env.accessKey]: minio.credentials.accessKey,
          [s3Env.secretKey]: minio.credentials.secretKey,
        },
        ready: async () => (await fetch(`http://127.0.0.1:${http}/ready`)).ok,
      },
    );
  };
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: { "X-Scope-OrgID": "logs", "Content-Type": "application/json" },
    });
  /** The streams that a query over all days returns. */
  const found = async () => {
    const range = { query: '{namespace=~".+"}', start: `${Date.now() - 6.5 * day}000000`, limit: "100" };
    const answer = await ask(`/loki/api/v1/query_range?${new URLSearchParams(range)}`);
    if (!answer.ok) throw new Error(await answer.text());
    const { data } = (await answer.json()) as { data: { result: { values: [string, string][] }[] } };
    return data.result.flatMap(({ values }) => values.map(([, line]) => line)).sort();
  };
  const chunks = async () => (await minio.names(bucket)).filter((key) => key.startsWith("logs/")).length;

  it("accepts lines with old timestamps, and writes them to the bucket", async () => {
    await start({ compaction_interval: "1h" });
    for (const stream of streams) {
      // A label for the age, because a chunk of several ages would be kept for the newest line.
      const labels = { ...stream.labels, age: String(stream.age) };
      const values = [[`${Date.now() - stream.age * day}000000`, name(stream)]];
      const answer = await ask("/loki/api/v1/push", {
        method: "POST",
        body: JSON.stringify({ streams: [{ stream: labels, values }] }),
      });
      expect(answer.status, await answer.text()).to.equal(204);
    }
    await server?.stop();
    expect(await chunks()).to.equal(streams.length);
  });

  it("finds all of them before the deletion", async () => {
    await start({ compaction_interval: "1h", retention_enabled: false, delete_request_store: "" });
    expect(
      await until(60, "all lines", async () => {
        const lines = await found();
        return lines.length >= streams.length ? lines : undefined;
      }),
    ).to.deep.equal(streams.map(name).sort());
    await server?.stop();
  });

  it("deletes expired ones by kind, by level and by namespace, and keeps the others", async () => {
    await start({ compaction_interval: "3s", retention_delete_delay: "1s" });
    const kept = streams.filter(({ fate }) => fate === "kept");
    await until(200, `${kept.length} chunks`, async () => {
      const count = await chunks();
      if (count !== kept.length) throw new Error(`there are ${count} chunks`);
      return true;
    });
    await until(60, "the lines that are kept, alone", async () => {
      const lines = await found();
      if (lines.join() !== kept.map(name).sort().join()) throw new Error(`there is ${lines.join("; ")}`);
      return true;
    });
  });
});
