/** The newer versions of a chart that its repository offers, and the known changes between them. */
import { tmpdir } from "node:os";
import pLimit from "p-limit";
import { coerce, SemVer } from "semver";
import { parse } from "yaml";
import { type ChartName, fromRepository, pins } from "../../../charts";
import { guides, type Note, notes } from "../../../upgrades";
import { failureOf, run } from "../../lib/render";

/** Processes of Helm at a time; each downloads and parses an index. */
const atOnce = pLimit(4);

/** The numbers of a version such as `1.2.3`, `v1.2` or `1.2.3-rc.1`; null for anything else. */
export const numbersOf = (version: string): SemVer | null =>
  /^v?\d+\.\d+/.test(version) ? coerce(version) : null;

/** Negative if `a` is older than `b`, suffixes ignored. @throws TypeError for text that is not a version */
export const compare = (a: string, b: string): number =>
  new SemVer(numbersOf(a) ?? a).compare(numbersOf(b) ?? b);

/** The part of a version that stays in compatible releases: the major, below 1.0 the minor too (https://semver.org, 4 and 8). */
const line = (version: string): string => {
  const { major, minor } = new SemVer(version);
  return major === 0 ? `0.${minor}` : `${major}`;
};

/** A version of a chart, and of its application. */
export interface Offered {
  version: string;
  appVersion?: string;
}

/** The newest version of a chart in a range, without pre-releases. @throws with Helm's message */
export async function newestIn(chart: ChartName, repository: string, range: string): Promise<Offered> {
  const source = fromRepository(chart, range, repository);
  const from = source.repository ? ["--repo", source.repository] : [];
  const args = ["show", "chart", source.chart, ...from, "--version", range];
  const { stdout } = await atOnce(() => run("helm", args, { cwd: tmpdir(), timeout: 120_000 })).catch(
    (error: unknown) => {
      throw new Error(
        failureOf(error)
          .split("\n")
          .at(-1)
          ?.replace(/^Error: /, ""),
      );
    },
  );
  const { version, appVersion } = parse(stdout);
  return { version, ...(appVersion !== undefined && { appVersion: String(appVersion) }) };
}

/** A chart's pin compared with its repository. A version is left out if none is newer than the pin. */
export interface ChartReport {
  chart: ChartName;
  pinned: string;
  /** Newest with the same major and minor. */
  patch?: string;
  /** Newest with the same major. */
  minor?: string;
  /** Newest that the project supports. */
  allowed?: string;
  /** Newest of all, and its application's version. */
  newest?: string;
  newestApp?: string;
  /** Known and unknown changes, one sentence each. */
  notes: string[];
  /** Why the repository did not respond. */
  unreachable?: string;
}

const text = ({ what, todo, link }: Note) => `${what}. To do: ${todo}. See ${link}`;

/** Whether a note is true of a version. */
const holds = ({ from }: Note, { version, appVersion }: Offered): boolean => {
  if (!from) return true;
  if ("chart" in from) return compare(version, from.chart) >= 0;
  return appVersion !== undefined && numbersOf(appVersion) !== null && compare(appVersion, from.app) >= 0;
};

/**
 * Compares a pin with the versions on offer.
 *
 * @param newest the newest version in a range
 * @param known what is known about charts. @default the project's own notes
 */
export async function reportOf(
  chart: ChartName,
  newest: (range: string) => Promise<Offered>,
  known: Note[] = notes,
): Promise<ChartReport> {
  const pinned = pins[chart].version;
  const { major, minor } = new SemVer(pinned);
  const newer = async (...ranges: string[]) => {
    const found = await newest([`>=${pinned}`, ...ranges].join(", "));
    return found.version === pinned ? undefined : found;
  };
  const last = await newer();
  if (!last) return { chart, pinned, notes: [] };
  const own = known.filter((note) => note.chart === chart && holds(note, last));
  const limits = own
    .filter(({ limit }) => limit)
    // A limit of the application is at a new major version of the chart, as renovate.json5 has it.
    .map(({ from }) => `<${from && "chart" in from ? coerce(from.chart)?.version : `${major + 1}.0.0`}`);
  const report: ChartReport = { chart, pinned, newest: last.version, notes: [] };
  if (last.appVersion) report.newestApp = last.appVersion;
  const ranges = {
    allowed: limits,
    patch: [`<${major}.${minor + 1}.0`],
    minor: [`<${major + 1}.0.0`],
  };
  for (const [name, range] of Object.entries(ranges)) {
    const found = range.length ? await newer(...range) : last;
    if (found) report[name as keyof typeof ranges] = found.version;
  }
  const passed = ({ from }: Note) => from && "chart" in from && compare(pinned, from.chart) >= 0;
  report.notes = own.filter((note) => !passed(note)).map(text);
  const noted = known.some(
    ({ chart: of, from }) => of === chart && from && "chart" in from && compare(from.chart, pinned) > 0,
  );
  if (line(last.version) !== line(pinned) && !noted)
    report.notes.push(
      `breaking changes between ${line(pinned)} and ${line(last.version)} are not listed here: read ${guides[chart]}`,
    );
  return report;
}
