/** Which of the versions that a repository offers a chart may go to, and what is known to happen on the way. */
import { type ChartName, pins } from "../../../charts";
import { guides, type Note, notes } from "../../../upgrades";

/** A version's numbers: major, minor, patch. */
export type Numbers = [number, number, number];

/** Numbers of a version such as `1.2.3`, `v1.2` or `1.2.3-rc.1`; undefined for anything else. */
export function numbersOf(version: string): Numbers | undefined {
  const [, major, minor, patch = "0"] = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?$/.exec(version) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

/** Whether a version is meant for use: three numbers and nothing behind them but build metadata. */
const isRelease = (version: string) => /^v?\d+\.\d+\.\d+(\+.*)?$/.test(version);

/** Negative where `a` is older than `b`; what comes behind the numbers does not count. @throws for what is no version */
export function compare(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (!left || !right) throw new Error(`${left ? b : a} is not a version`);
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** What a version promises not to break: the major, below 1.0 the minor too (https://semver.org, 4 and 8). */
const line = (version: string): string => {
  const [major, minor] = numbersOf(version) ?? [];
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
  const first = (same: number) => (version: string) =>
    numbersOf(version)?.slice(0, same).join() === numbersOf(pinned)?.slice(0, same).join();
  const [allowed, patch, minor] = [within[0], within.find(first(2)), within.find(first(1))];
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
