/** What a backup's folder says of itself: `manifest.json`, and whether the folder still holds what it says. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { invalid, UserError } from "../../settings";

/** What can be saved, in the order in which it is restored. */
export const parts = ["state", "keys", "buckets", "grafana"] as const;
export type Part = (typeof parts)[number];

/** The form of the folder; a program reads only what it knows. */
export const format = 1;

const manifestFile = "manifest.json";

/** A file of a backup, by its path below the folder. */
export interface Saved {
  bytes: number;
  /** In hex. */
  sha256: string;
}

/** One part of a backup. */
export interface SavedPart {
  /** When it was complete, in ISO 8601. */
  at: string;
  /** What is in it, for people: counts, names. */
  holds: Record<string, string | number>;
  /** Its files; those of a bucket's objects stand in the bucket's own index. */
  files: Record<string, Saved>;
}

export interface Manifest {
  format: number;
  /** Version of this project. */
  product: string;
  /** Charts and their versions, as `charts.json` pinned them. */
  charts: Record<string, string>;
  stack: string;
  environment: string;
  cluster: string;
  parts: Partial<Record<Part, SavedPart>>;
}

/**
 * The parts that an option names.
 *
 * @param only names with commas between them, or undefined for all
 * @throws UserError for a name that is none
 */
export function partsOf(only: string | undefined): Part[] {
  if (only === undefined) return [...parts];
  const named = only.split(",").map((name) => name.trim());
  const wrong = named.filter((name) => !parts.some((part) => part === name));
  if (wrong.length)
    throw new UserError(
      invalid("--only", wrong.join(","), `some of ${parts.join(", ")}, separated by commas`),
    );
  return parts.filter((part) => named.includes(part));
}

/** Size and SHA-256 of a file. */
export async function sumOf(file: string): Promise<Saved> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(file)) hash.update(part);
  return { bytes: statSync(file).size, sha256: hash.digest("hex") };
}

/** Writes a file that only its owner can read, at once or not at all: what a reader finds is never half of it. */
export function writeWhole(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.part`, content, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/** Writes a folder's manifest. */
export const writeManifest = (folder: string, manifest: Manifest): void =>
  writeWhole(join(folder, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);

/**
 * A folder's manifest; undefined where there is none.
 *
 * @throws UserError when it is not one that this program can read
 */
export function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, manifestFile);
  if (!existsSync(file)) return undefined;
  let manifest: Manifest;
  try {
    manifest = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (manifest.format !== format)
    throw new UserError(
      `${file} has format ${manifest.format}; this version of obs reads ${format}. Use the version that made it: ${manifest.product}`,
    );
  return manifest;
}

/** What the files of some parts lack against the manifest: a line for each, none where all is as it was saved. */
export async function damage(folder: string, manifest: Manifest, wanted: readonly Part[]): Promise<string[]> {
  const lines: string[] = [];
  for (const part of wanted)
    for (const [path, was] of Object.entries(manifest.parts[part]?.files ?? {})) {
      const file = join(folder, path);
      if (!existsSync(file)) lines.push(`${path} is missing`);
      else if ((await sumOf(file)).sha256 !== was.sha256) lines.push(`${path} is not what was saved`);
    }
  return lines;
}
