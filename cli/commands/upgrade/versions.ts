/** Which of the versions that a repository offers a chart may go to, and what is known to happen on the way. */
import { coerce, parse, SemVer, satisfies } from "semver";
import { type ChartName, pins } from "../../../charts";
import { guides, type Note, notes } from "../../../upgrades";

/** The numbers of a version such as `1.2.3`, `v1.2` or `1.2.3-rc.1`; undefined for anything else. */
export const numbersOf = (version: string): SemVer | null =>
  /^v?\d+\.\d+/.test(version) ? coerce(version) : null;

/** Whether a version is a release: three numbers without a suffix, except for build metadata. */
const isRelease = (version: string): boolean => parse(version)?.prerelease.length === 0;

/** Negative if `a` is older than `b`, suffixes ignored. @throws TypeError for text that is no version */
export const compare = (a: string, b: string): number =>
  new SemVer(numbersOf(a) ?? a).compare(numbersOf(b) ?? b);

/** What a version promises not to break: the major, below 1.0 the minor too (https://semver.org, 4 and 8). */
const line = (version: string): string => {
  const { major, minor } = new SemVer(version);
  return major === 0 ? `0.${minor}` : `${major}`;
};

/** What a repository has of a chart. */
export interface Offers {
  versions: string[];
  /** Version of the application in a chart version; undefined where the repository does not tell. */
  app(version: string): Promise<string | undefined>;
}

/** A chart's pin beside what there is. Versions are left out where there is none newer. */
export interface ChartReport {
  chart: ChartName;
  pinned: string;
  /** Newest with the same major and minor. */
  patch?: string;
  /** Newest with the same major. */
  minor?: string;
  /** Newest that the project can go to. */
  allowed?: string;
  /** Newest of all, and its application's version where the repository tells it. */
  newest?: string;
  newestApp?: string;
  /** What is known, and what is not, one sentence each. */
  notes: string[];
  /** Why the repository gave no answer. */
  unreachable?: string;
}

const text = ({ what, todo, link }: Note) => `${what}. To do: ${todo}. See ${link}`;

/** What is known to hold at a version. */
async function holds({ from }: Note, version: string, offers: Offers): Promise<boolean | "unknown"> {
  if (!from) return true;
  if ("chart" in from) return compare(version, from.chart) >= 0;
  const app = await offers.app(version);
  return app && numbersOf(app) ? compare(app, from.app) >= 0 : "unknown";
}

/**
 * Compares a pin with what is offered. Versions that are not meant for use (`-rc`, `-weekly`) are passed over.
 *
 * @param known what is known about charts. @default the project's own notes
 */
export async function reportOf(
  chart: ChartName,
  offers: Offers,
  known: Note[] = notes,
): Promise<ChartReport> {
  const pinned = pins[chart].version;
  const versions = offers.versions.filter(isRelease).sort((a, b) => compare(b, a));
  const newer = versions.filter((version) => compare(version, pinned) > 0);
  const own = known.filter((note) => note.chart === chart);
  const report: ChartReport = { chart, pinned, notes: [] };
  if (!versions.includes(pinned))
    report.notes.push(`the pinned version ${pinned} is not offered there; what is pinned may be withdrawn`);
  const [newest] = newer;
  if (newest === undefined) return report;
  report.newest = newest;
  const app = await offers.app(newest);
  if (app) report.newestApp = app;

  const within: string[] = [];
  for (const version of newer) {
    const stops = own.filter(({ limit }) => limit).map((note) => holds(note, version, offers));
    // What no limit is known to hold for, no older one is asked about.
    if (!(await Promise.all(stops)).includes(true)) {
      within.push(...newer.slice(newer.indexOf(version)));
      break;
    }
  }
  const [allowed, patch, minor] = [
    within[0],
    within.find((version) => satisfies(version, `~${pinned}`)),
    within.find((version) => numbersOf(version)?.major === numbersOf(pinned)?.major),
  ];
  if (allowed) report.allowed = allowed;
  if (patch) report.patch = patch;
  if (minor) report.minor = minor;

  for (const note of own) {
    const there = await holds(note, newest, offers);
    const passed = note.from && "chart" in note.from && compare(pinned, note.from.chart) >= 0;
    if (there === "unknown")
      report.notes.push(`the repository does not tell the application of ${newest}; ${text(note)}`);
    else if (there && !passed) report.notes.push(text(note));
  }
  const told = own.some(({ from }) => from && "chart" in from && compare(from.chart, pinned) > 0);
  if (line(newest) !== line(pinned) && !told)
    report.notes.push(
      `what breaks between ${line(pinned)} and ${line(newest)} is not known here: read ${guides[chart]}`,
    );
  return report;
}
