/** The report of `obs diff`: two rendered folders, compared release by release. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type KubernetesObject, manifestObjects } from "../../lib/render";
import { compare, type ReleaseReport } from "./compare";
import type { Base, Side } from "./sides";

/** The differences between two sides of a stack. */
export interface Report {
  stack: string;
  base: Base;
  /** Charts of another version; `before` or `after` is missing if only one side has the chart. */
  charts: { chart: string; before?: string; after?: string }[];
  /** Releases, and the program's own objects, that differ. */
  releases: ReleaseReport[];
  /** A line for each release whose objects could not be compared, with the reason. */
  notCompared: string[];
  /** Remarks about how the sides were rendered. */
  notes: string[];
}

/** A release of the present side. */
export interface Present {
  namespace: string;
  /** Renders its objects once more. */
  again: () => Promise<KubernetesObject[]>;
}

/** MinIO's resources in the form of objects. */
const minioObjects = (text: string): KubernetesObject[] =>
  manifestObjects("MinIO resources", text).map(({ type, name, ...rest }) => ({
    ...rest,
    apiVersion: "minio",
    kind: type,
    metadata: { name },
  }));

/** A release's values in the form of an object. */
const valuesObject = (name: string, text: string): KubernetesObject[] =>
  text ? [{ apiVersion: "", kind: "Values", metadata: { name }, values: parse(text) }] : [];

const releasesIn = ({ folder }: Side): string[] => {
  const place = join(folder, "releases");
  return existsSync(place) ? readdirSync(place) : [];
};

/** The reason why a side has no manifests of a release that it has. */
function missingIn(side: Side, name: string): string | undefined {
  const file = join(side.folder, "releases", name, "manifests.yaml");
  if (!releasesIn(side).includes(name) || existsSync(file)) return undefined;
  return side.skipped.find((line) => line.startsWith(`${name}: `)) ?? `${name}: no manifests`;
}

/**
 * Compares the folders of two sides.
 *
 * @param present the releases of the present side by name
 */
export async function compareFolders(
  before: Side,
  after: Side,
  present: Map<string, Present>,
): Promise<Pick<Report, "releases" | "notCompared">> {
  const releases: ReleaseReport[] = [];
  const notCompared: string[] = [];
  const add = (report: ReleaseReport) => {
    if (report.objects.length) releases.push(report);
  };
  /** The texts of a file on both sides; undefined if they are the same. */
  const pair = (...path: string[]): [string, string] | undefined => {
    const [was = "", is = ""] = [before, after].map(({ folder }) => {
      const file = join(folder, ...path);
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    });
    return was === is ? undefined : [was, is];
  };
  const own = "the program's own objects";
  const objects = pair("objects.yaml");
  if (objects) add(compare(own, manifestObjects(own, objects[0]), manifestObjects(own, objects[1])));
  const minio = pair("minio.yaml");
  if (minio) add(compare("MinIO resources", minioObjects(minio[0]), minioObjects(minio[1])));

  for (const name of [...new Set([...releasesIn(before), ...releasesIn(after)])].sort()) {
    const missing = [missingIn(before, name), missingIn(after, name)];
    if (missing.some(Boolean)) {
      notCompared.push(
        ...missing.flatMap((reason, index) => (reason ? `${reason} (${index ? "now" : "base"})` : [])),
      );
      const values = pair("releases", name, "values.yaml");
      if (values) add(compare(name, valuesObject(name, values[0]), valuesObject(name, values[1])));
      continue;
    }
    const manifests = pair("releases", name, "manifests.yaml");
    if (!manifests) continue;
    const [was, is] = [manifestObjects(name, manifests[0]), manifestObjects(name, manifests[1])];
    const release = present.get(name);
    add(compare(name, was, is, is.length ? await release?.again() : is, release?.namespace));
  }
  return { releases, notCompared };
}

/** Charts whose version differs. */
export const movedCharts = (before: Side, after: Side): Report["charts"] =>
  [...new Set([...Object.keys(before.charts), ...Object.keys(after.charts)])]
    .filter((chart) => before.charts[chart] !== after.charts[chart])
    .map((chart) => {
      const [was, is] = [before.charts[chart], after.charts[chart]];
      return { chart, ...(was && { before: was }), ...(is && { after: is }) };
    });
