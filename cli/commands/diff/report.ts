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

/** Files with objects that belong to no release. */
const own = new Map([
  ["the program's own objects", { path: "objects.yaml", parsed: manifestObjects }],
  ["MinIO resources", { path: "minio.yaml", parsed: minioObjects }],
]);

/** Compares the folders of two sides. @param releases of the present side, to render those that differ once more */
export async function compareFolders(
  before: Side,
  after: Side,
  releases: ReleaseInputs[],
  objectsOf = releaseObjects,
): Promise<Pick<Report, "releases" | "notCompared">> {
  const reports: ReleaseReport[] = [];
  const notCompared: string[] = [];
  const names = [...new Set([...releasesIn(before), ...releasesIn(after)])].sort();
  for (const name of [...own.keys(), ...names]) {
    const missing = [missingIn(before, name), missingIn(after, name)].flatMap((reason, index) =>
      reason ? [`${reason} (${index ? "now" : "base"})`] : [],
    );
    notCompared.push(...missing);
    const ofRelease = missing.length
      ? { path: join("releases", name, "values.yaml"), parsed: valuesObject }
      : { path: join("releases", name, "manifests.yaml"), parsed: manifestObjects };
    const { path, parsed } = own.get(name) ?? ofRelease;
    const [was = "", is = ""] = [before, after].map(({ folder }) => {
      const file = join(folder, path);
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    });
    if (was === is) continue;
    const objects = parsed(name, is);
    const release = missing.length ? undefined : releases.find((one) => one.name === name);
    const again = release && objects.length ? await objectsOf(release) : objects;
    reports.push(compare(name, parsed(name, was), objects, again, release?.namespace));
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
