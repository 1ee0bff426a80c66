/** The folder that `mirror pull` fills and `mirror push` empties: `charts/`, `images/`, and `mirror.json` that says what is there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../settings";
import { pathInMirror } from "./images";
import type { Inventory } from "./inventory";

/** What `mirror.json` says. */
export interface Shelf {
  format: 1;
  stack: string;
  charts: { name: string; version: string }[];
  images: string[];
}

export const shelfFile = (folder: string): string => join(folder, "mirror.json");

/** What is to be there of an inventory. */
export const shelfOf = ({ stack, charts, images }: Inventory): Shelf => ({
  format: 1,
  stack,
  charts: charts.map(({ name, version }) => ({ name, version })),
  images: images.map(({ image }) => image),
});

/** A folder's `mirror.json`. @throws UserError where it is not there, or none of this program's */
export function readShelf(folder: string): Shelf {
  const file = shelfFile(folder);
  if (!existsSync(file))
    throw new UserError(`${file} does not exist (must be a folder that ./obs mirror pull --out wrote)`);
  try {
    const shelf = JSON.parse(readFileSync(file, "utf8")) as Shelf;
    if (shelf.format === 1 && Array.isArray(shelf.charts) && Array.isArray(shelf.images)) return shelf;
  } catch {
    // Said below.
  }
  throw new UserError(`${file} is not what ./obs mirror pull writes; run it again`);
}

/** Package of a chart. */
export const chartFile = (folder: string, { name, version }: { name: string; version: string }): string =>
  join(folder, "charts", `${name}-${version}.tgz`);

/** Folder of an image's OCI layout. */
export const imageFolder = (folder: string, image: string): string =>
  join(folder, "images", pathInMirror(image).replaceAll(/[/:@]/g, "_"));

/** Digest of the image in an OCI layout; undefined where there is none, or not one. */
export function layoutDigest(layout: string): string | undefined {
  const file = join(layout, "index.json");
  if (!existsSync(file)) return undefined;
  const [first, ...more] = JSON.parse(readFileSync(file, "utf8")).manifests ?? [];
  return more.length ? undefined : first?.digest;
}
