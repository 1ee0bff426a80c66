/** A real MinIO on loopback whose scanner runs every second, and objects in it of any age. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Client } from "minio";
import { minioClient } from "../../cli/lib/minio";
import { freePort, Server } from "./servers";

const day = 86_400_000;

export class Minio {
  private constructor(
    private readonly server: Server,
    readonly port: number,
    readonly credentials: { accessKey: string; secretKey: string },
    /** The root user's client. */
    readonly client: Client,
  ) {}

  /** Starts it with an empty volume in a folder; the environment is added to its own. */
  static async start(
    program: string,
    folder: string,
    environment: Record<string, string> = {},
  ): Promise<Minio> {
    const port = await freePort();
    const credentials = { accessKey: "root", secretKey: randomBytes(16).toString("hex") };
    const server = await Server.start(
      program,
      ["server", join(folder, "data"), "--address", `127.0.0.1:${port}`, "--console-address", "127.0.0.1:0"],
      {
        environment: {
          MINIO_ROOT_USER: credentials.accessKey,
          MINIO_ROOT_PASSWORD: credentials.secretKey,
          MINIO_SCANNER_SPEED: "fastest",
          MINIO_SCANNER_CYCLE: "1s",
          ...environment,
        },
        ready: async () => (await fetch(`http://127.0.0.1:${port}/minio/health/ready`)).ok,
      },
    );
    const client = minioClient(port, credentials);
    return new Minio(server, port, credentials, client);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Writes an object with a modification time this many days ago, as replication does. */
  async put(bucket: string, name: string, daysAgo: number, size = 0): Promise<void> {
    const url = await this.client.presignedPutObject(bucket, name, 60);
    const headers = { "X-Minio-Source-Mtime": new Date(Date.now() - daysAgo * day).toISOString() };
    const body = `${name}, of ${daysAgo} days ago`.padEnd(size);
    const answer = await fetch(url, { method: "PUT", headers, body });
    if (!answer.ok) throw new Error(`${bucket}/${name}: ${answer.status} ${await answer.text()}`);
  }

  /** Names of all objects, sorted; with `versions` each version's name and whether it is the newest. */
  async names(bucket: string, versions = false): Promise<string[]> {
    const all: { name?: string; isLatest?: boolean }[] = await this.client
      .listObjects(bucket, "", true, versions ? { IncludeVersion: true } : {})
      .toArray();
    return all
      .map(({ name = "", isLatest }) => (versions ? `${name}${isLatest ? "" : " (old)"}` : name))
      .sort();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
