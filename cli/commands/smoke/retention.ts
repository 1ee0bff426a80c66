/**
 * Test 9: what is too old is deleted (R14). Deleting takes longer than a run, so each run writes a pair of lines that
 * are older than a day, and judges the pairs of the runs before it: of each pair one line lies in a stream that is kept
 * for a day and has to be gone, the other in one that is kept for long and has to be there, which shows that the pair had
 * reached the bucket and would be found.
 */

import { gatewayUser, services, smokeTest, tenants } from "../../../names";
import { goDuration } from "../../../settings/units";
import { ask } from "../../lib/service";
import type { Check, Context, Evidence } from "./check";
import { lifecycles, rounds, storesRunWith } from "./configured";
import { linesOf, push } from "./logs";

/** The stream that is kept for a day, and its twin. */
const aged = { namespace: smokeTest.namespace, job: "obs-smoke/aged" };
const kept = { job: "obs-smoke/kept" };
/** How old the lines are when they are written. Loki takes them, and has already to delete what is kept for a day. Seconds. */
const age = smokeTest.retention + 6 * 3600;
/**
 * After that they must be gone: an ingester keeps a chunk for up to 2 h, and the compactor comes every 10 minutes; it
 * may need two rounds. Seconds.
 */
const due = 9000;
const hour = 3_600_000;

/** A pair that an earlier run wrote. */
export interface Pair {
  run: string;
  /** When it was written, in milliseconds since 1970. */
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
 * What the pairs show.
 *
 * @param there pairs whose kept line is found
 * @param left pairs whose aged line is found
 * @throws where an aged line is still there when it should be gone
 */
export function judge(there: Pair[], left: Pair[], now: number): string {
  const has = (run: string) => left.some((one) => one.run === run);
  const late = left.filter(({ written }) => now - written > due * 1000);
  if (late.length)
    throw new Error(
      `lines that were ${goDuration(age)} old when they were written, where ${goDuration(smokeTest.retention)} are kept, are still found: ${late
        .map(({ run, written }) => `run ${run}, ${Math.round((now - written) / 60_000)} min ago`)
        .join("; ")}`,
    );
  const gone = there.filter(({ run }) => !has(run));
  const waiting = there.filter(({ run }) => has(run));
  const words = [
    ...(gone.length
      ? [
          `deleted: the lines of ${gone.length} earlier runs (${gone.map(({ run }) => run).join(", ")}), whose twins that are kept longer are there`,
        ]
      : []),
    ...(waiting.length ? [`not yet due: those of ${waiting.map(({ run }) => run).join(", ")}`] : []),
  ];
  return words.length
    ? words.join("; ")
    : `not shown by this run: no earlier run's lines have reached the bucket; one after ${new Date(now + due * 1000).toISOString()} shows it`;
}

/** The pairs of a stream that were written in the last day. */
async function pairs({ view, run }: Context, labels: Record<string, string>, now: number): Promise<Pair[]> {
  const selector = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  // Loki remembers that a query had no answer; with this run's name in it, it is a new one.
  const query = `{${selector.join(", ")}} |= "aged line" != "run=${run} "`;
  const lines = await linesOf(view, query, now - age * 1000 - 24 * hour, now - age * 1000 + hour);
  return lines.flatMap(({ text }) => pairOf(text) ?? []);
}

/** Real deletion, by the lines of earlier runs. */
async function deleted(context: Context): Promise<Evidence[]> {
  const now = Date.now();
  const answer = judge(await pairs(context, kept, now), await pairs(context, aged, now), now);
  const line = lineOf({ run: context.run, written: now });
  for (const labels of [aged, kept]) await push(context, labels, [[now - age * 1000, line]]);
  return [
    {
      asked: `lines of earlier runs, written with an age of ${goDuration(age)} into a stream that is kept for ${goDuration(smokeTest.retention)}`,
      answer,
    },
  ];
}

/** A line that is far too old is not even taken. */
async function refused({ config, settings }: Context): Promise<Evidence[]> {
  const { status, body } = await ask(config, services(settings).loki, {
    method: "POST",
    path: "/loki/api/v1/push",
    as: gatewayUser(tenants.logs, "write"),
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      streams: [{ stream: aged, values: [[`${Date.now() - 366 * 24 * hour}000000`, "a year old"]] }],
    }),
  });
  if (status !== 400)
    throw new Error(`a line that is a year old is answered with ${status}, not refused: ${body}`);
  return [{ asked: "a line that is a year old", answer: `${status} ${body.trim().slice(0, 120)}` }];
}

export const retention: Check[] = [
  {
    number: 9,
    name: "what is too old is deleted",
    async show(context) {
      return [
        ...(await storesRunWith(context)),
        ...(await lifecycles(context)),
        ...(await rounds(context)),
        ...(await refused(context)),
        ...(await deleted(context)),
      ];
    },
  },
];
