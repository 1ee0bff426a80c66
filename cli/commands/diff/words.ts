/** The sentences and numbers of a report, in Markdown and on a terminal. */
import { columns, plural } from "../../lib/text";
import type { ObjectReport, ReleaseReport } from "./compare";
import type { Report } from "./report";

/** A table of releases, with the numbers of their objects. */
export function rows(releases: ReleaseReport[]): string[][] {
  const count = (holds: (object: ObjectReport) => unknown) => (release: ReleaseReport) =>
    String(release.objects.filter(holds).length || "-");
  return columns(releases, [
    ["release", ({ name }) => name],
    ["added", count(({ what }) => what === "added")],
    ["changed", count(({ what }) => what === "changed")],
    ["removed", count(({ what }) => what === "removed")],
    ["restarts", count(({ restarts }) => restarts)],
    ["immutable", count(({ immutable }) => immutable.length)],
  ]);
}

/** Lines on a report as a whole: chart versions, releases that were not compared, notes. */
export const remarks = ({ charts, notCompared, notes }: Report): string[] => [
  ...charts.map(({ chart, before, after }) => `chart ${chart}: ${before ?? "(none)"} → ${after ?? "(none)"}`),
  ...notCompared.map((line) => `not compared: ${line}`),
  ...notes,
];

/** Lines on a release above its diffs: immutable fields, restarts, quiet changes. */
export function remarksOn({ objects }: ReleaseReport): string[] {
  const restarts = objects.filter((object) => object.restarts).map(({ object }) => object);
  const quiet = objects.filter(({ what, restarts }) => what === "quiet" && !restarts);
  return [
    ...objects.flatMap(({ object, immutable }) =>
      immutable.map(
        (field) => `${object}: ${field} cannot be updated: docs/guides/upgrades.md#immutable-fields`,
      ),
    ),
    ...(restarts.length ? [`pods restart: ${restarts.join(", ")}`] : []),
    ...(quiet.length
      ? [`${plural(quiet.length, "object")} differ only in checksums or the chart's own version`]
      : []),
  ];
}

/** The line above an object's diff. */
export const title = ({ object, what, restarts }: ObjectReport): string =>
  `${what} ${object}${restarts ? " (restarts)" : ""}`;

/** The sentence at the top. */
export function summary({ stack, base, releases }: Report): string {
  const name = `${base.name} (${base.commit.slice(0, 12)})`;
  if (!releases.length) return `${stack}: no difference to ${name}`;
  const objects = releases.flatMap((release) => release.objects).length;
  return `${stack}: ${plural(objects, "object")} in ${plural(releases.length, "group")} differ from ${name}`;
}
