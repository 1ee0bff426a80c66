/** From a bucket to the disk. */
import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Client } from "minio";
import { inFlight } from "./minio";
import { finish, type Item, type Listed, note, pathOf, readSaved, toCopy } from "./shelf";
import { each, gone, Progress, patiently, stays, within } from "./work";

/** Headers that belong to an object, beside the metadata that its writer gave it. */
const own = ["content-type", "cache-control", "content-encoding", "content-disposition", "content-language"];
const userMetadata = "x-amz-meta-";

/** Seconds in which MinIO has to answer, and in which the next bytes have to come. */
const patience = 60;

/** Seconds that a listing may take: a million objects are a thousand pages. */
const listingPatience = 1800;

/** How often a bucket is listed again because it changed while it was copied. Each round is shorter than the last. */
const rounds = 10;

/**
 * What a bucket has, without old versions. It is listed by the first version of the S3 call: of what the client makes
 * of the second, a key of digits comes back as a number, `0012` as 12.
 */
export const list = (client: Client, bucket: string): Promise<Listed[]> =>
  patiently(async () => {
    const all: Listed[] = [];
    const read = async () => {
      for await (const item of client.listObjects(bucket, "", true)) {
        const { name, size, etag } = item as { name: string; size: number; etag: string };
        all.push({ key: name, bytes: size, etag });
      }
      return all;
    };
    return within(listingPatience, `listing ${bucket}`, read());
  }, stays);

/** The headers of an answer that are the object's. */
export const ownHeaders = (headers: IncomingMessage["headers"]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === "string" && (own.includes(name) || name.startsWith(userMetadata))
        ? [[name, value]]
        : [],
    ),
  );

/** Copies one object. @returns what was copied, which may be newer than what was listed */
async function fetchObject(client: Client, bucket: string, key: string, folder: string): Promise<Item> {
  const answer = (await within(patience, `reading ${key}`, client.getObject(bucket, key))) as IncomingMessage;
  answer.setTimeout(patience * 1000, () =>
    answer.destroy(new Error(`reading ${key}: no bytes for ${patience} s`)),
  );
  const hash = createHash("sha256");
  let bytes = 0;
  const measure = new Transform({
    transform(part: Buffer, _, done) {
      hash.update(part);
      bytes += part.length;
      done(null, part);
    },
  });
  const file = join(folder, pathOf(key));
  mkdirSync(dirname(file), { recursive: true });
  await pipeline(answer, measure, createWriteStream(`${file}.part`, { mode: 0o600 }));
  if (bytes !== Number(answer.headers["content-length"]))
    throw new Error(`${key} ended after ${bytes} of ${answer.headers["content-length"]} bytes`);
  renameSync(`${file}.part`, file);
  const etag = (answer.headers.etag ?? "").replaceAll('"', "");
  return { key, bytes, etag, sha256: hash.digest("hex"), headers: ownHeaders(answer.headers) };
}

/** What a copy of a bucket has. */
export interface Mirrored {
  objects: number;
  bytes: number;
  /** Objects that this run had to read; the others were on the disk already. */
  copied: number;
}

/**
 * Copies a bucket, so that the disk has exactly what one listing of it had. What an earlier run copied is not copied
 * again, whether it ended or was broken off.
 *
 * @param folder where the bucket lies on the disk
 * @throws when the bucket changes faster than it can be copied
 */
export async function mirror(client: Client, bucket: string, folder: string): Promise<Mirrored> {
  mkdirSync(folder, { recursive: true });
  let copied = 0;
  for (let round = 0; round < rounds; round++) {
    const listed = await list(client, bucket);
    const saved = readSaved(folder);
    const { missing, there } = toCopy(listed, saved);
    if (missing.length === 0) {
      finish(folder, there);
      return { objects: there.length, bytes: there.reduce((sum, { bytes }) => sum + bytes, 0), copied };
    }
    const bytes = missing.reduce((sum, one) => sum + one.bytes, 0);
    const progress = new Progress(bucket, { objects: missing.length, bytes });
    await each(missing, inFlight, async ({ key }) => {
      try {
        const item = await patiently(() => fetchObject(client, bucket, key, folder), stays);
        note(folder, item);
        progress.add(item.bytes);
        copied++;
      } catch (error) {
        rmSync(join(folder, `${pathOf(key)}.part`), { force: true });
        if (!gone(error as Error)) throw error;
      }
    });
  }
  throw new Error(
    `bucket ${bucket} was listed ${rounds} times and had objects that were not copied each time. Run the same command again; it goes on where it is`,
  );
}
