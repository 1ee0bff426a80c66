/** The report of `obs diff`: two rendered folders, compared release by release. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type KubernetesObject, manifestObjects, type ReleaseInputs, releaseObjects } from "../../lib/render";
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

/** MinIO's resources in the form of objects. */
const minioObjects = (name: string, text: string): KubernetesObject[] =>
  manifestObjects(name, text).map(({ type: kind, name, ...rest }) => ({
    ...rest,
    apiVersion: "minio",
    kind,
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

/** Compares the folders of two sides. @param releases of the present side, to render those that differ once more */
export async function compareFolders(
  before: Side,
  after: Side,
  releases: ReleaseInputs[],
  objectsOf = releaseObjects,
): Promise<Pick<Report, "releases" | "notCompared">> {
  const reports: ReleaseReport[] = [];
  const notCompared: string[] = [];
  /** The objects of a file on both sides; undefined if its text is the same. */
  const pair = (name: string, parsed: typeof manifestObjects, ...path: string[]) => {
    const [was = "", is = ""] = [before, after].map(({ folder }) => {
      const file = join(folder, ...path);
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    });
    return was === is ? undefined : ([parsed(name, was), parsed(name, is)] as const);
  };
  const objects = pair("the program's own objects", manifestObjects, "objects.yaml");
  if (objects) reports.push(compare("the program's own objects", ...objects));
  const minio = pair("MinIO resources", minioObjects, "minio.yaml");
  if (minio) reports.push(compare("MinIO resources", ...minio));

  for (const name of [...new Set([...releasesIn(before), ...releasesIn(after)])].sort()) {
    const missing = [missingIn(before, name), missingIn(after, name)].flatMap((reason, index) =>
      reason ? [`${reason} (${index ? "now" : "base"})`] : [],
    );
    notCompared.push(...missing);
    const both = missing.length
      ? pair(name, valuesObject, "releases", name, "values.yaml")
      : pair(name, manifestObjects, "releases", name, "manifests.yaml");
    if (!both) continue;
    const release = missing.length ? undefined : releases.find((one) => one.name === name);
    const again = release && both[1].length ? await objectsOf(release) : both[1];
    reports.push(compare(name, ...both, again, release?.namespace));
  }
  return { releases: reports.filter(({ objects }) => objects.length), notCompared };
}

/** Charts whose version differs. */
export const movedCharts = (before: Side, after: Side): Report["charts"] =>
  [...new Set([...Object.keys(before.charts), ...Object.keys(after.charts)])]
    .filter((chart) => before.charts[chart] !== after.charts[chart])
    .map((chart) => {
      const [was, is] = [before.charts[chart], after.charts[chart]];
      return { chart, ...(was && { before: was }), ...(is && { after: is }) };
    });
