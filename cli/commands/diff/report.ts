/** What `obs diff` has found, as data: from the folders of two sides to what is told. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { type KubernetesObject, manifestObjects } from "../../lib/render";
import { type Change, compare, type Group } from "./compare";
import type { Base, Side } from "./sides";
import { unified } from "./unified";

/** An object and how it differs. */
export interface ObjectReport extends Omit<Change, "before" | "after"> {
  /** Unified diff of its YAML, secrets hidden; empty for what is quiet. */
  diff: string;
}

/** A release and how its objects differ. */
export interface ReleaseReport {
  name: string;
  objects: ObjectReport[];
  /** Fields that an upgrade cannot change, and what to do about each. */
  immutable: { object: string; field: string; todo: string }[];
}

/** What differs between two sides of a stack. */
export interface Report {
  stack: string;
  base: Base;
  /** Charts of another version; `before` or `after` is missing where the chart is on one side only. */
  charts: { chart: string; before?: string; after?: string }[];
  /** Releases, and the program's own objects, that differ. */
  releases: ReleaseReport[];
  /** A line for each release whose objects could not be compared, and why. */
  notCompared: string[];
  /** What one has to know to read it. */
  notes: string[];
}

/** Names of the two groups that are no releases. */
export const own = { objects: "the program's own objects", minio: "MinIO resources" };

const read = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

/** MinIO's resources in the clothes of objects. */
const minioObjects = (text: string): KubernetesObject[] =>
  parseAllDocuments(text, { version: "1.1" })
    .map((document) => document.toJS() as { type: string; name: string } | null)
    .filter((resource) => resource !== null)
    .map(({ type, name, ...rest }) => ({ apiVersion: "minio", kind: type, metadata: { name }, ...rest }));

/** A release's values in the clothes of an object; none where it has none. */
const valuesObject = (name: string, text: string): KubernetesObject[] =>
  text ? [{ apiVersion: "", kind: "Values", metadata: { name }, values: parse(text) }] : [];

const releasesIn = (folder: string): string[] => {
  const place = join(folder, "releases");
  return existsSync(place) ? readdirSync(place) : [];
};

/** A release of the present side, as far as it is needed to compare it. */
export interface Present {
  namespace: string;
  /** Its objects, rendered once more. */
  again: () => Promise<KubernetesObject[]>;
}

/**
 * Compares the folders of two sides.
 *
 * @param present the releases of the present side by name
 * @returns groups that differ, and a line for each release that could not be compared
 */
export async function compareFolders(
  before: Side,
  after: Side,
  present: Map<string, Present>,
): Promise<{ groups: Group[]; notCompared: string[] }> {
  const [groups, notCompared]: [Group[], string[]] = [[], []];
  const pair = (...path: string[]) =>
    [before, after].map(({ folder }) => read(join(folder, ...path))) as [string, string];
  const differing = (group: Group) => {
    if (group.changes.length) groups.push(group);
  };

  const objects = pair("objects.yaml");
  if (objects[0] !== objects[1])
    differing(
      compare(
        own.objects,
        manifestObjects(own.objects, objects[0]),
        manifestObjects(own.objects, objects[1]),
      ),
    );
  const minio = pair("minio.yaml");
  if (minio[0] !== minio[1]) differing(compare(own.minio, minioObjects(minio[0]), minioObjects(minio[1])));

  for (const name of [...new Set([...releasesIn(before.folder), ...releasesIn(after.folder)])].sort()) {
    const file = (side: Side) => join(side.folder, "releases", name, "manifests.yaml");
    const missing = [before, after].flatMap((side, index) =>
      releasesIn(side.folder).includes(name) && !existsSync(file(side))
        ? (side.skipped.find((line) => line.startsWith(`${name}: `)) ?? `${name}: no manifests`) +
          (index ? " (now)" : " (base)")
        : [],
    );
    if (missing.length) {
      notCompared.push(...missing);
      // What can still be seen is what the chart is told.
      const [old, fresh] = pair("releases", name, "values.yaml");
      differing(compare(name, valuesObject(name, old), valuesObject(name, fresh)));
      continue;
    }
    const manifests = pair("releases", name, "manifests.yaml");
    if (manifests[0] === manifests[1]) continue;
    const [was, is] = manifests.map((text) => manifestObjects(name, text)) as [
      KubernetesObject[],
      KubernetesObject[],
    ];
    const release = present.get(name);
    differing(compare(name, was, is, is.length ? await release?.again() : is, release?.namespace));
  }
  return { groups, notCompared };
}

/** Charts whose version is another. */
export const movedCharts = (before: Side, after: Side): Report["charts"] =>
  [...new Set([...Object.keys(before.charts), ...Object.keys(after.charts)])]
    .filter((chart) => before.charts[chart] !== after.charts[chart])
    .map((chart) => {
      const [was, is] = [before.charts[chart], after.charts[chart]];
      return { chart, ...(was && { before: was }), ...(is && { after: is }) };
    });

/** A group with the unified diff of each object. */
export function withDiffs({ name, changes, immutable }: Group): ReleaseReport {
  return {
    name,
    objects: changes.map(({ before = "", after = "", ...change }) => ({
      ...change,
      diff: change.what === "quiet" ? "" : unified(before, after),
    })),
    immutable: immutable.map(({ object, field, todo }) => ({ object, field, todo })),
  };
}
