/** Loki, Mimir and Tempo, one process of each, with MinIO and memcached, all on loopback. */
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { stringify } from "yaml";
import { s3Env } from "../../names";
import { onLoopback } from "../../tests/support/mimir";
import { Minio } from "../../tests/support/minio";
import { freePort, Server } from "../../tests/support/servers";
import { tool } from "../../tests/support/tools";
import { Skipped } from "../benchmark";
import {
  type Configuration,
  lokiOnLoopback,
  mimirOnLoopback,
  type Place,
  tempoOnLoopback,
} from "./configurations";

export type StoreName = "loki" | "mimir" | "tempo";

/** A running store. */
export interface Store {
  url: string;
  /** OTLP over HTTP, for Tempo. */
  otlp: string;
  pid: number;
  stop(): Promise<void>;
}

/** The path of a program. @throws Skipped if it is missing */
export function program(name: string): string {
  const path = tool(name);
  if (!path) throw new Skipped(`${name} is not on PATH`);
  return path;
}

/** MinIO with these buckets and encryption at rest. */
export async function startMinio(folder: string, buckets: string[]): Promise<Minio> {
  const minio = await Minio.start(program("minio"), folder, {
    MINIO_KMS_SECRET_KEY: `bench:${randomBytes(32).toString("base64")}`,
    MINIO_KMS_AUTO_ENCRYPTION: "on",
    // The default; tests use a faster scanner, which would keep MinIO busy.
    MINIO_SCANNER_SPEED: "default",
    MINIO_SCANNER_CYCLE: "1h",
  });
  for (const bucket of buckets) await minio.client.makeBucket(bucket);
  return minio;
}

/** A memcached for all caches of the stores, as large as those of prod together. */
export async function startMemcached(): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const args = [
    "-l",
    "127.0.0.1",
    "-p",
    `${port}`,
    "-U",
    "0",
    "-u",
    "nobody",
    "-m",
    "6144",
    "-I",
    "32m",
    "-c",
    "4096",
  ];
  const server = await Server.start(program("memcached"), args, {
    ready: () =>
      new Promise((done) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.destroy();
          done(true);
        });
        socket.once("error", () => done(false));
      }),
  });
  return { port, stop: () => server.stop() };
}

const commands: Record<
  StoreName,
  (place: Place, configuration: Configuration, fast: boolean) => [string[], object]
> = {
  loki: (place, { loki }, fast) => [["-target=all"], lokiOnLoopback(loki, place, fast)],
  mimir: (place, { mimir }, fast) => [
    ["-target=all", ...onLoopback(place.http, place.grpc, place.third)],
    mimirOnLoopback(mimir, place, fast),
  ],
  tempo: (place, { tempo }, fast) => [["-target=all"], tempoOnLoopback(tempo, place, fast)],
};

/** Starts a store in a folder; its long-term data is in MinIO. */
export async function startStore(
  name: StoreName,
  folder: string,
  configuration: Configuration,
  { minio, memcached, fast = false }: { minio: Minio; memcached?: number | undefined; fast?: boolean },
): Promise<Store> {
  mkdirSync(folder, { recursive: true });
  const [http, grpc, third] = [await freePort(), await freePort(), await freePort()];
  const place = { folder, http, grpc, third, minio: minio.port, memcached };
  const [args, tree] = commands[name](place, configuration, fast);
  const file = join(folder, "config.yaml");
  writeFileSync(file, stringify(tree));
  writeFileSync(join(folder, "runtime.yaml"), stringify(configuration.mimirRuntime));
  const url = `http://127.0.0.1:${http}`;
  const server = await Server.start(
    program(name),
    [`-config.file=${file}`, "-config.expand-env=true", ...args],
    {
      folder,
      environment: {
        [s3Env.accessKey]: minio.credentials.accessKey,
        [s3Env.secretKey]: minio.credentials.secretKey,
      },
      ready: async () => (await fetch(`${url}/ready`)).ok,
    },
  );
  return { url, otlp: `http://127.0.0.1:${third}`, pid: server.pid, stop: () => server.stop() };
}

/**
 * Removes the local data of a stopped Loki: its copy of the index, and the write-ahead log. It has flushed all lines,
 * and would store those in the log a second time.
 */
export function emptied(folder: string): void {
  for (const name of ["cache", "wal"]) rmSync(join(folder, name), { recursive: true, force: true });
}
