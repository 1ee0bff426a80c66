/** From the disk to a bucket. */
import { appendFileSync, createReadStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Client } from "minio";
import { inFlight } from "./minio";
import { list } from "./mirror";
import { type Item, type Listed, pathOf, readIndex } from "./shelf";
import { each, Progress, patiently, stays, within } from "./work";

/** Seconds that the writing of an object may take beyond the time for its bytes at 100 KiB/s. */
const patience = 120;

/**
 * Objects by which a store finds others: Mimir's and Tempo's block lists and the description of each block. They are
 * written last, so that whoever looks on sees a block whole or not at all.
 */
const pointers =
  /(^|\/)(meta\.json|meta\.compacted\.json|index\.json\.gz|bucket-index\.json\.gz|.*-mark\.json)$/;

/** The items in two groups: what is written first, and what leads to it. */
export const inOrder = (items: Item[]): [Item[], Item[]] => [
  items.filter(({ key }) => !pointers.test(key)),
  items.filter(({ key }) => pointers.test(key)),
];

/** What is in a bucket before it is filled. */
export interface Standing {
  /** Put there by an earlier run from this backup. */
  done: Set<string>;
  /** Objects that a restore would write over. */
  replaced: string[];
  /** Objects that are not in the backup and stay. */
  others: string[];
}

/**
 * Compares a bucket with what is to be put into it.
 *
 * @param written etags that earlier runs got for what they wrote, by key
 */
export function standing(listed: Listed[], items: Item[], written: Map<string, string>): Standing {
  const wanted = new Set(items.map(({ key }) => key));
  const state: Standing = { done: new Set(), replaced: [], others: [] };
  for (const { key, etag } of listed)
    if (!wanted.has(key)) state.others.push(key);
    else if (written.get(key) === etag) state.done.add(key);
    else state.replaced.push(key);
  return state;
}

/** What runs of a restore have written already, by key. @param journal the file in which they noted it */
export const readWritten = (journal: string): Map<string, string> =>
  new Map(
    existsSync(journal)
      ? readFileSync(journal, "utf8")
          .split("\n")
          .flatMap((line): [string, string][] => {
            try {
              return line ? [JSON.parse(line)] : [];
            } catch {
              return []; // the last line of a run that was broken off
            }
          })
      : [],
  );

/** How a bucket stands against its copy on the disk. */
export const look = async (
  client: Client,
  bucket: string,
  folder: string,
  journal: string,
): Promise<Standing> => standing(await list(client, bucket), readIndex(folder), readWritten(journal));

/**
 * Puts a bucket's objects back, with their metadata; MinIO checks the SHA-256 of what it receives. What an earlier
 * run wrote is not written again; objects that the copy does not have stay.
 *
 * @param journal file in which it is noted what was written
 * @throws when an object is not there at the end with the size that it had
 */
export async function refill(
  client: Client,
  bucket: string,
  folder: string,
  journal: string,
): Promise<{ objects: number; bytes: number; written: number }> {
  const items = readIndex(folder);
  const { done } = await look(client, bucket, folder, journal);
  const missing = items.filter(({ key }) => !done.has(key));
  mkdirSync(dirname(journal), { recursive: true });
  const size = (some: Item[]) => some.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = new Progress(bucket, { objects: missing.length, bytes: size(missing) });
  for (const group of inOrder(missing))
    await each(group, inFlight, async ({ key, bytes, headers }) => {
      const put = () =>
        client.putObject(bucket, key, createReadStream(join(folder, pathOf(key))), bytes, { ...headers });
      const seconds = patience + bytes / (100 * 1024);
      const { etag } = await patiently(() => within(seconds, `writing ${key}`, put()), stays);
      appendFileSync(journal, `${JSON.stringify([key, etag])}\n`);
      progress.add(bytes);
    });
  const there = new Map((await list(client, bucket)).map((one) => [one.key, one.bytes]));
  const wrong = items.filter(({ key, bytes }) => there.get(key) !== bytes);
  if (wrong.length)
    throw new Error(
      `${wrong.length} objects of ${bucket} are not there as they were written, ${wrong[0]?.key} among them; does something still write to it? Run the same command again`,
    );
  return { objects: items.length, bytes: size(items), written: missing.length };
}
