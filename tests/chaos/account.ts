/** Calculates lost and late signals, and the time of full recovery, from the query results. Pure. */

/** The observed signals. */
export const signals = ["lines", "samples", "written", "traces"] as const;
/** `samples` are Alloy's, `written` those that Prometheus scraped and wrote to Mimir. */
export type Signal = (typeof signals)[number];

/** An item that was found. Times are milliseconds since 1970. */
export interface Item {
  /** Its number; for a sample its time, which serves as its number. */
  number: number;
  written: number;
  /** Time of the first query that returned it. */
  found: number;
  /** Maximum number of copies in one response. */
  copies: number;
}

/** A query of a store. Times are milliseconds since 1970. */
export interface Look {
  at: number;
  /** Whether the store responded. */
  answered: boolean;
  /** Write time of the newest item known by then. */
  newest: number;
}

/** Age in milliseconds up to which the newest item of a signal counts as fresh. */
export const fresh: Record<Signal, number> = {
  lines: 10_000,
  samples: 20_000,
  written: 20_000,
  // Tempo's search finds a trace after the ingester has cut it, some ten seconds after its last span.
  traces: 40_000,
};
/** How long all signals must stay fresh for a full recovery, in milliseconds. */
export const lasting = 10_000;

/** Missing numbers between the first and the last found. */
export function holes(items: Item[]): number[] {
  const numbers = new Set(items.map(({ number }) => number));
  const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
  if (!numbers.size) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (number) => !numbers.has(number),
  );
}

/** The items that were written up to a time, and the first one after it. */
export function upTo(time: number, items: Item[]): Item[] {
  const next = Math.min(...items.filter(({ written }) => written > time).map(({ written }) => written));
  return items.filter(({ written }) => written <= Math.max(time, Number.isFinite(next) ? next : time));
}

/** Maximum seconds from the write of an item to the first query that returned it; 0 without items. */
export const latest = (items: Item[]): number =>
  Math.max(0, ...items.map(({ written, found }) => (found - written) / 1000));

/** A counter's longest gap in seconds, and the total number of missing samples. @param interval seconds */
export function gaps(items: Item[], interval: number): { longest: number; missing: number } {
  const times = items.map(({ written }) => written).sort((a, b) => a - b);
  const steps = times.slice(1).map((time, index) => (time - (times[index] ?? time)) / 1000);
  return {
    longest: Math.max(0, ...steps),
    missing: steps.reduce((sum, step) => sum + Math.max(0, Math.round(step / interval) - 1), 0),
  };
}

/** The longest outage of a store in seconds: from the last response before it to the first after it. */
export function outage(looks: Look[]): number {
  let longest = 0;
  let failing: number | undefined;
  for (const { at, answered } of looks) {
    if (!answered) failing ??= at;
    if (failing !== undefined) longest = Math.max(longest, (at - failing) / 1000);
    if (answered) failing = undefined;
  }
  return longest;
}

const isFresh = (signal: Signal, { at, answered, newest }: Look) => answered && at - newest <= fresh[signal];

/**
 * Time from which all signals were fresh for at least {@link lasting}.
 *
 * @param ready when the workload was ready again
 * @returns milliseconds since 1970; undefined if it is not known yet
 */
export function wholeAt(ready: number, looks: Record<Signal, Look[]>): number | undefined {
  const since = signals.map((signal) => {
    const later = looks[signal].slice(looks[signal].findLastIndex((look) => !isFresh(signal, look)) + 1);
    return later.length ? { from: later[0]?.at ?? 0, to: later.at(-1)?.at ?? 0 } : undefined;
  });
  if (since.includes(undefined)) return undefined;
  const whole = Math.max(ready, ...since.map((one) => one?.from ?? 0));
  return since.every((one) => (one?.to ?? 0) - whole >= lasting) ? whole : undefined;
}

/**
 * Arrival of the last item that was late after the recovery of everything else: the retries of a queue have no order.
 *
 * @returns milliseconds since 1970; 0 if none was later than usual
 */
export const lateSince = (found: Record<Signal, Item[]>, whole: number): number =>
  Math.max(
    0,
    ...signals.flatMap((signal) =>
      found[signal]
        .filter(({ written, found: at }) => at > whole && at - written > fresh[signal])
        .map(({ found: at }) => at),
    ),
  );

/** The account of one signal. */
export interface SignalAccount {
  /** Number of found items that were written since the fault. */
  found: number;
  lost: number;
  /** Number of lost items that the sender dropped, after a response without retry or after its minute; only traces. */
  gaveUp?: number;
  /** The first ten lost numbers. */
  which: number[];
  /** Items with several copies in one response. */
  doubled: number;
  /** Maximum seconds from write to arrival. */
  latest: number;
  /** The longest gap in seconds; only samples. */
  gap?: number;
  /** Seconds in which the signal's store did not respond. */
  outage: number;
}

/** Traces that the sender dropped are lost, too; if they are the first or last ones, they leave no gap in the numbers. */
export function accountOf(
  signal: Signal,
  items: Item[],
  looks: Look[],
  interval: number,
  givenUp?: number[],
): SignalAccount {
  const sampled = signal === "samples" || signal === "written";
  const { longest, missing } = gaps(items, interval);
  const known = new Set(items.map(({ number }) => number));
  const gone = (givenUp ?? []).filter((one) => !known.has(one));
  const which = sampled ? [] : [...new Set([...holes(items), ...gone])];
  return {
    found: items.length,
    lost: sampled ? missing : which.length,
    ...(givenUp && { gaveUp: gone.length }),
    which: which.sort((a, b) => a - b).slice(0, 10),
    doubled: items.filter(({ copies }) => copies > 1).length,
    latest: latest(items),
    ...(sampled && { gap: longest }),
    outage: outage(looks),
  };
}
