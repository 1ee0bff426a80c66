/** Buckets of a real MinIO, saved and put into another one that has nothing, not even the key of the first. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { Agent, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import type { Client } from "minio";
import { clientOf } from "../../cli/backup/minio";
import { list, mirror, ownHeaders } from "../../cli/backup/mirror";
import { look, refill } from "../../cli/backup/refill";
import { pathOf, readIndex, shelfDamage } from "../../cli/backup/shelf";
import { each } from "../../cli/backup/work";
import { freePort, Server } from "../support/servers";
import { needs } from "../support/tools";

const bucket = "loki-data";
const keep = new Agent({ keepAlive: true });

/** Names that a file system, an address or XML could trip over. */
const oddKeys = [
  "0012",
  "1e3",
  "a b+c%2F&d",
  "ünïcode/日本",
  `quotes'"<>`,
  "fake/51d1c5a6b0e1f9a2/18c:18d:5c3f2a",
  "UPPER",
  "upper",
  `${"long/".repeat(100)}name-${"x".repeat(200)}`,
];

/** An object with the headers and metadata that it has. */
interface Whole {
  sha256: string;
  headers: Record<string, string>;
}

async function whole(client: Client, key: string): Promise<Whole> {
  const answer = (await client.getObject(bucket, key)) as IncomingMessage;
  const hash = createHash("sha256");
  for await (const part of answer) hash.update(part);
  return { sha256: hash.digest("hex"), headers: ownHeaders(answer.headers) };
}

async function content(client: Client): Promise<Record<string, Whole>> {
  const all: Record<string, Whole> = {};
  await each(await list(client, bucket), 16, async ({ key }) => {
    all[key] = await whole(client, key);
  });
  return all;
}

/** The client, until it is asked for its n-th object; from then on it is refused. */
const breaking = (client: Client, method: "getObject" | "putObject", after: number): Client => {
  let calls = 0;
  return new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === method && ++calls > after)
          return Promise.reject(Object.assign(new Error("broken off"), { code: "AccessDenied" }));
        return value.apply(target, args);
      };
    },
  });
};

const failure = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no failure",
    (error: Error) => error.message,
  );

describe("binaries: buckets saved and put back", function () {
  this.timeout(120_000);
  const servers: Server[] = [];
  let folder: string;
  let shelf: string;
  let journal: string;
  let old: Client;
  let fresh: Client;
  let saved: Record<string, Whole>;

  /** A MinIO that encrypts with a key of its own. */
  async function start(program: string, name: string): Promise<Client> {
    const port = await freePort();
    const password = randomBytes(16).toString("hex");
    const server = await Server.start(
      program,
      ["server", join(folder, name), "--address", `127.0.0.1:${port}`, "--console-address", "127.0.0.1:0"],
      {
        environment: {
          MINIO_KMS_AUTO_ENCRYPTION: "on",
          MINIO_KMS_SECRET_KEY: `objects:${randomBytes(32).toString("base64")}`,
          MINIO_ROOT_USER: "root",
          MINIO_ROOT_PASSWORD: password,
        },
        ready: async () => (await fetch(`http://127.0.0.1:${port}/minio/health/ready`)).ok,
      },
    );
    servers.push(server);
    const client = clientOf(port, { accessKey: "root", secretKey: password }, keep);
    await client.makeBucket(bucket);
    return client;
  }

  before(async function () {
    const [program = ""] = needs(this, "minio");
    folder = mkdtempSync(join(tmpdir(), "observability-backup-"));
    shelf = join(folder, "shelf");
    journal = join(folder, "restore", "journal");
    old = await start(program, "old");
    fresh = await start(program, "fresh");
    await each(
      Array.from({ length: 1200 }, (_, one) => one),
      16,
      async (one) => {
        await old.putObject(bucket, `many/${one}`, `content of ${one}`);
      },
    );
    for (const key of oddKeys) await old.putObject(bucket, key, `content of ${key}`);
    await old.putObject(bucket, "empty", "");
    const big = Array.from({ length: 40 }, () => randomBytes(1024 ** 2));
    await old.putObject(bucket, "big", Readable.from(big), 40 * 1024 ** 2);
    await old.putObject(bucket, "described", "{}", 2, {
      "content-type": "application/json",
      "content-encoding": "gzip",
      "cache-control": "no-store",
      tenant: "logs",
    });
    expect((await old.statObject(bucket, "big")).etag).to.match(/-3$/); // in three parts
    saved = await content(old);
    expect(Object.keys(saved))
      .to.include.members(oddKeys)
      .and.to.have.length(1203 + oddKeys.length);
    expect(saved["described"]?.headers).to.include({ "x-amz-meta-tenant": "logs" });
  });

  after(async () => {
    keep.destroy();
    for (const server of servers) await server.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  it("a run that is broken off leaves no index, and the next one reads only what was missing", async () => {
    expect(await failure(mirror(breaking(old, "getObject", 700), bucket, shelf))).to.equal("broken off");
    expect(readIndex(shelf)).to.deep.equal([]);
    const all = Object.keys(saved).length;
    const { objects, copied } = await mirror(old, bucket, shelf);
    expect(objects).to.equal(all);
    expect(copied)
      .to.be.at.most(all - 690)
      .and.above(0);
    expect((await mirror(old, bucket, shelf)).copied).to.equal(0);
  });

  it("reads again what was changed, and forgets what was deleted", async () => {
    await old.putObject(bucket, "many/7", "other content");
    await old.putObject(bucket, "one more", "new");
    await old.removeObject(bucket, "many/8");
    saved = await content(old);
    expect((await mirror(old, bucket, shelf)).copied).to.equal(2);
    expect(readIndex(shelf).map(({ key }) => key)).to.have.members(Object.keys(saved));
    expect(await shelfDamage(shelf)).to.deep.equal([]);
  });

  it("copies what is added while it copies, and does not fail over what is deleted meanwhile", async () => {
    const busy = mkdtempSync(join(folder, "busy-"));
    let touched = false;
    const changing = new Proxy(old, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "getObject" || touched) return value.bind(target);
        return async (...args: unknown[]) => {
          if (!touched) {
            touched = true;
            await old.removeObject(bucket, "one more");
            await old.putObject(bucket, "added", "while copying");
          }
          return value.apply(target, args);
        };
      },
    });
    await mirror(changing, bucket, busy);
    const keys = readIndex(busy).map(({ key }) => key);
    expect(keys).to.include("added").and.not.to.include("one more");
    saved = await content(old);
    await mirror(old, bucket, shelf);
  });

  it("tells of a file that was changed, cut or lost", async () => {
    const file = join(shelf, pathOf("big"));
    const was = readFileSync(file);
    const changed = Buffer.from(was);
    changed.writeUInt8(was.readUInt8(1000) ^ 1, 1000);
    for (const spoil of [
      () => writeFileSync(file, changed),
      () => truncateSync(file, 5),
      () => rmSync(file),
    ]) {
      spoil();
      const found = await shelfDamage(shelf);
      expect(found).to.have.length(1);
      expect(found[0]).to.match(/^big is (missing|not what was saved)/);
      writeFileSync(file, was);
    }
    expect(await shelfDamage(shelf)).to.deep.equal([]);
  });

  it("says what it would write over, and what is not its own", async () => {
    await fresh.putObject(bucket, "many/1", "written since");
    await fresh.putObject(bucket, "theirs", "written since");
    const { replaced, others } = await look(fresh, bucket, shelf, journal);
    expect({ replaced, others }).to.deep.equal({ replaced: ["many/1"], others: ["theirs"] });
  });

  it("puts everything back after it was broken off, writes nothing twice, and leaves what is not its own", async () => {
    expect(await failure(refill(breaking(fresh, "putObject", 700), bucket, shelf, journal))).to.equal(
      "broken off",
    );
    const { objects, written } = await refill(fresh, bucket, shelf, journal);
    expect(objects).to.equal(Object.keys(saved).length);
    expect(written)
      .to.be.at.most(objects - 690)
      .and.above(0);
    expect((await refill(fresh, bucket, shelf, journal)).written).to.equal(0);
    const { theirs, ...after } = await content(fresh);
    expect(theirs).not.to.equal(undefined);
    expect(after).to.deep.equal(saved);
    expect(await text(await fresh.getObject(bucket, "many/7"))).to.equal("other content");
  });
});
