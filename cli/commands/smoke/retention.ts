/**
 * Test 9: old data is deleted. A deletion takes longer than a run, so each run writes a pair of lines that are older than
 * a day, and verifies the pairs of earlier runs: of each pair one line is in a stream with a retention of a day and must be
 * gone, the other in one with a long retention and must exist, which shows that the pair had reached the bucket.
 */
import { smokeTest } from "../../../names";
import { goDuration } from "../../../settings/units";
import { type Check, type Context, type Evidence, evidence, skipAgents } from "./check";
import { lifecycles, storeRetentions } from "./configured";
import { linesOf, push, write } from "./logs";

/** The stream with a retention of a day, and the other one. */
const aged = { namespace: smokeTest.namespace, job: "obs-smoke/aged" };
const kept = { job: "obs-smoke/kept" };
/** Age of the lines in seconds when they are written: Loki accepts them, and has to delete the first one at once. */
const age = smokeTest.retention + 6 * 3600;
/**
 * Seconds until they must be gone: an ingester keeps a chunk for up to 2 h, and the compactor runs every 10 minutes; it
 * may need two runs.
 */
const due = 9000;
const hour = 3_600_000;

/** A pair of an earlier run, and when it was written, epoch in milliseconds. */
export interface Pair {
  run: string;
  written: number;
}

/** The pair's line. */
export const lineOf = ({ run, written }: Pair): string => `aged line run=${run} written=${written}`;

/** The pair of a line. */
export function pairOf(text: string): Pair | undefined {
  const [, run, written] = /^aged line run=(\S+) written=(\d+)$/.exec(text) ?? [];
  return run && written ? { run, written: Number(written) } : undefined;
}

/**
 * The result for the pairs of earlier runs.
 *
 * @param there pairs whose kept line is found
 * @param left pairs whose aged line is found
 * @throws if an aged line exists that should be gone
 */
export function judge(there: Pair[], left: Pair[], now: number): string {
  const late = left.filter(({ written }) => now - written > due * 1000);
  if (late.length) {
    const runs = late.map(
      ({ run, written }) => `run ${run}, ${Math.round((now - written) / 60_000)} min ago`,
    );
    throw new Error(
      `lines that were ${goDuration(age)} old when they were written, with a retention of ${goDuration(smokeTest.retention)}, are still found: ${runs.join("; ")}`,
    );
  }
  const remaining = new Set(left.map(({ run }) => run));
  const gone = there.filter(({ run }) => !remaining.has(run)).map(({ run }) => run);
  const waiting = there.filter(({ run }) => remaining.has(run)).map(({ run }) => run);
  const next = new Date(now + due * 1000).toISOString();
  const words = [
    gone.length &&
      `deleted: the lines of ${gone.length} earlier runs (${gone.join(", ")}), whose twins with a longer retention exist`,
    waiting.length && `not yet due: those of ${waiting.join(", ")}`,
  ].filter(Boolean);
  return (
    words.join("; ") ||
    `not shown by this run: no earlier run's lines have reached the bucket; one after ${next} shows it`
  );
}

/** The pairs of a stream that were written in the last day. */
async function pairs({ view, run }: Context, labels: Record<string, string>, now: number): Promise<Pair[]> {
  const selector = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  // Loki caches that a query had no result; with this run's name in it, it is a new one.
  const query = `{${selector.join(", ")}} |= "aged line" != "run=${run} "`;
  const lines = await linesOf(view, query, now - age * 1000 - 24 * hour, now - age * 1000 + hour);
  return lines.flatMap(({ text }) => pairOf(text) ?? []);
}

/** Deletion, by the lines of earlier runs; and the pair of this run. */
async function deleted(context: Context): Promise<Evidence> {
  const now = Date.now();
  const answer = judge(await pairs(context, kept, now), await pairs(context, aged, now), now);
  const line = lineOf({ run: context.run, written: now });
  for (const labels of [aged, kept]) await write(context, labels, now - age * 1000, line);
  return evidence(
    `lines of earlier runs, written with an age of ${goDuration(age)} into a stream with a retention of ${goDuration(smokeTest.retention)}`,
    answer,
  );
}

/** Loki rejects a line that is far too old. */
async function rejected(context: Context): Promise<Evidence> {
  const { status, body } = await push(context, aged, Date.now() - 366 * 24 * hour, "a year old");
  if (status !== 400)
    throw new Error(`a line that is a year old is answered with ${status}, not 400: ${body}`);
  return evidence("a line that is a year old", `${status} ${body.trim().slice(0, 120)}`);
}

export const retention: Check = {
  number: 9,
  name: "retention deletes old data",
  async show(context) {
    skipAgents(context.settings);
    return [
      ...(await storeRetentions(context)),
      await lifecycles(context),
      await rejected(context),
      await deleted(context),
    ];
  },
};
