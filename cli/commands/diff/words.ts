/** The words and numbers in which a report is told, in Markdown and on a terminal alike. */
import type { ObjectReport, ReleaseReport, Report } from "./report";

/** `1 object`, `2 objects`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** The heading of a table of releases. */
export const heading = ["release", "added", "changed", "removed", "restarts", "cannot change"];

/** A release as a row of that table. */
export function row({ name, objects, immutable }: ReleaseReport): string[] {
  const of = (what: ObjectReport["what"]) => objects.filter((object) => object.what === what).length;
  const numbers = [
    of("added"),
    of("changed"),
    of("removed"),
    objects.filter(({ restarts }) => restarts).length,
  ];
  return [name, ...[...numbers, immutable.length].map((number) => (number ? String(number) : "-"))];
}

/** Lines on a report as a whole: charts that moved, what was not compared, notes. */
export function remarks({ charts, notCompared, notes }: Report): string[] {
  return [
    ...charts.map(
      ({ chart, before, after }) => `chart ${chart}: ${before ?? "(none)"} → ${after ?? "(none)"}`,
    ),
    ...notCompared.map((line) => `not compared: ${line}`),
    ...notes,
  ];
}

/** Lines on a release beside its diffs: what restarts, what cannot change, what differs only in checksums and labels. */
export function aside({ objects, immutable }: ReleaseReport): string[] {
  const named = (some: ObjectReport[]) => some.map(({ object }) => object).join(", ");
  const [restarts, quiet] = [
    objects.filter((object) => object.restarts),
    objects.filter(({ what, restarts }) => what === "quiet" && !restarts),
  ];
  return [
    ...immutable.map(({ object, field, todo }) => `${object}: ${field} cannot change. ${todo}`),
    ...(restarts.length ? [`pods are made anew of: ${named(restarts)}`] : []),
    ...(quiet.length
      ? [`${count(quiet.length, "object")} differ only in checksums or the chart's own version`]
      : []),
  ];
}

/** What an object is called above its diff. */
export const title = ({ object, what, restarts }: ObjectReport): string =>
  `${what} ${object}${restarts ? " (restarts)" : ""}`;

/** The sentence at the top. */
export const summary = ({ stack, base, releases }: Report): string =>
  releases.length
    ? `${stack}: ${count(releases.flatMap(({ objects }) => objects).length, "object")} in ${count(releases.length, "group")} differ from ${base.name} (${base.commit.slice(0, 12)})`
    : `${stack}: no difference to ${base.name} (${base.commit.slice(0, 12)})`;
