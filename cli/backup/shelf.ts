/**
 * A bucket on the disk. Each object is a file that is named by the SHA-256 of its key, because keys can be what no
 * file name can (too long, `a` beside `a/b`, other by case alone); `index.jsonl` has a line for each object.
 */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Saved, sumOf, writeWhole } from "./manifest";

/** An object as it was saved. */
export interface Item extends Saved {
  key: string;
  /** As the bucket has it; of an encrypted object it is no checksum, but it changes with the content. */
  etag: string;
  /** Content type and the like, and the metadata that its writer gave it. */
  headers: Record<string, string>;
}

/** An object as a bucket lists it. */
export interface Listed {
  key: string;
  bytes: number;
  etag: string;
}

/** Where an object's content lies, below the bucket's folder. */
export function pathOf(key: string): string {
  const name = createHash("sha256").update(key).digest("hex");
  return join("objects", name.slice(0, 2), name);
}

/** Name of the file that lists a bucket's objects. */
export const indexFile = "index.jsonl";
/** Name of the file to which each object is written as soon as it is there, so that a broken run can go on. */
const journalFile = "journal.jsonl";

const lines = (file: string): Item[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line) => {
          try {
            return line ? [JSON.parse(line) as Item] : [];
          } catch {
            return []; // the last line of a run that was broken off
          }
        })
    : [];

/** The objects that a finished index has. */
export const readIndex = (folder: string): Item[] => lines(join(folder, indexFile));

/** What an earlier run has saved in full, by key: finished, or broken off. */
export function readSaved(folder: string): Map<string, Item> {
  const items = [...readIndex(folder), ...lines(join(folder, journalFile))].map(
    (item) => [item.key, item] as const,
  );
  const complete = ({ key, bytes }: Item) => {
    const file = join(folder, pathOf(key));
    return existsSync(file) && statSync(file).size === bytes;
  };
  return new Map([...new Map(items)].filter(([, item]) => complete(item)));
}

/** Notes an object whose content is on the disk now. */
export const note = (folder: string, item: Item): void =>
  appendFileSync(join(folder, journalFile), `${JSON.stringify(item)}\n`, { mode: 0o600 });

/** Ends a run: the index has exactly these objects, and what else lies in the folder goes. */
export function finish(folder: string, items: Item[]): void {
  const sorted = [...items].sort((a, b) => (a.key < b.key ? -1 : 1));
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, indexFile), sorted.map((item) => `${JSON.stringify(item)}\n`).join(""));
  const wanted = new Set(items.map(({ key }) => pathOf(key)));
  const objects = join(folder, "objects");
  for (const part of existsSync(objects) ? readdirSync(objects) : [])
    for (const name of readdirSync(join(objects, part)))
      if (!wanted.has(join("objects", part, name))) rmSync(join(objects, part, name));
  rmSync(join(folder, journalFile), { force: true });
}

/**
 * What to copy so that the disk has what the bucket has.
 *
 * @returns objects that are new or other than on the disk, and those that are there already
 */
export function toCopy(listed: Listed[], saved: Map<string, Item>): { missing: Listed[]; there: Item[] } {
  const missing: Listed[] = [];
  const there: Item[] = [];
  for (const one of listed) {
    const item = saved.get(one.key);
    if (item && item.etag === one.etag && item.bytes === one.bytes) there.push(item);
    else missing.push(one);
  }
  return { missing, there };
}

/** What the contents of a bucket lack against its index: a line for each object. */
export async function shelfDamage(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const { key, bytes, sha256 } of readIndex(folder)) {
    const file = join(folder, pathOf(key));
    if (!existsSync(file)) found.push(`${key} is missing (${pathOf(key)})`);
    else if (statSync(file).size !== bytes || (await sumOf(file)).sha256 !== sha256)
      found.push(`${key} is not what was saved (${pathOf(key)})`);
  }
  return found;
}
