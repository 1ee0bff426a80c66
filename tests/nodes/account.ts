/**
 * Calculates the cost of an event from the records of the writers and the content of the stores. Pure; times are
 * milliseconds since 1970.
 */
import { type Store, stores } from "../../names";
import { gaps, type Item, outage } from "../chaos/account";
import { type Asked, taken, type Record as Written } from "../chaos/record";

/** A period, and the nodes that were off, cut or drained during it. */
export interface Period {
  from: number;
  to: number;
  /** Nodes without power or network, from the beginning of the event until they are ready again. */
  lost: { node: string; from: number; to: number }[];
}

/** Data found of one writer. */
export interface Found {
  /** Number of copies of each line, by line number. */
  lines: Map<number, number>;
  /** Spans found of each batch. */
  spans: Map<number, number>;
  /** Times of the samples that Alloy and Prometheus took. */
  samples: { alloy: number[]; prometheus: number[] };
}

/** A value for each store. */
export type PerStore<T> = Record<Store, T>;
export const perStore = <T>(make: (store: Store) => T): PerStore<T> =>
  Object.fromEntries(stores.map((store) => [store, make(store)])) as PerStore<T>;

/** The cost of an event. */
export interface Cost {
  lines: { written: number; lost: number; duplicated: number };
  /** Reasons: lost lines by node, failed writes and queries by HTTP status (0 is no response), such as `alloy write 0`. */
  reasons: Record<string, number>;
  /** Missing samples of targets on remaining nodes; lostTargets has the others. */
  samples: { alloy: number; prometheus: number };
  /** Missing samples of the writers on lost nodes, which cannot be scraped during the event. */
  lostTargets: Record<string, { alloy: number; prometheus: number }>;
  spans: {
    /** Spans that Alloy accepted. */
    accepted: number;
    lost: number;
    /** Spans that never left their writer, because its node lost power or network: an SDK's own buffer. */
    unsent: number;
  };
  /** Writes that failed after a minute of retries, from nodes that stayed: spans through Alloy, and one write a second to each gateway. */
  failedWrites: PerStore<number> & { alloy: number };
  queries: PerStore<{ asked: number; failed: number; outage: number }>;
  /** The highest load average of a node. */
  load: number;
}

const within = (at: number, { from, to }: { from: number; to: number }) => at >= from && at <= to;

/** Whether a node was lost at a time. */
export const isLost = ({ lost }: Period, node: string, at: number): boolean =>
  lost.some((one) => one.node === node && within(at, one));

/** Queries from remaining nodes, in order of time. */
export const queriesOf = (period: Period, records: Map<string, Written>, store: Store): Asked[] =>
  [...records]
    .flatMap(([node, { queries }]) => queries.filter(({ at }) => !isLost(period, node, at)))
    .filter((one) => one.store === store && within(one.at, period))
    .sort((a, b) => a.at - b.at);

/** The longest time in seconds from a failed query to the next successful one. */
export const queryOutage = (queries: Asked[], to: number): number => {
  const looks = queries.map(({ at, status }) => ({ at, answered: status === 200, newest: 0 }));
  // An outage that lasts until the end ends there.
  return outage([
    ...looks,
    ...(looks.at(-1)?.answered === false ? [{ at: to, answered: true, newest: 0 }] : []),
  ]);
};

/** Samples missing in a period; one just before and one just after it show gaps at its ends. @param interval seconds */
export function missingSamples(times: number[], { from, to }: Period, interval: number): number {
  const inside = times.filter((time) => within(time, { from, to }));
  const before = Math.max(from - interval * 1000, ...times.filter((time) => time < from));
  const after = Math.min(to + interval * 1000, ...times.filter((time) => time > to));
  const items = [before, ...inside, after].map(
    (time): Item => ({ number: time, written: time, found: time, copies: 1 }),
  );
  return gaps(items, interval).missing;
}

/**
 * The cost of an event.
 *
 * @param found data in the stores, by node
 * @param load spans of a batch, and seconds between two scrapes
 */
export function costOf(
  period: Period,
  records: Map<string, Written>,
  found: Map<string, Found>,
  load: { spans: number; scrapeInterval: number },
): Cost {
  const cost: Cost = {
    lines: { written: 0, lost: 0, duplicated: 0 },
    reasons: {},
    samples: { alloy: 0, prometheus: 0 },
    lostTargets: {},
    spans: { accepted: 0, lost: 0, unsent: 0 },
    failedWrites: { alloy: 0, loki: 0, mimir: 0, tempo: 0 },
    queries: perStore((store) => {
      const asked = queriesOf(period, records, store);
      return {
        asked: asked.length,
        failed: asked.filter(({ status }) => status !== 200).length,
        outage: queryOutage(asked, period.to),
      };
    }),
    load: 0,
  };
  const because = (reason: string) => {
    cost.reasons[reason] = (cost.reasons[reason] ?? 0) + 1;
  };
  for (const store of stores)
    for (const { status } of queriesOf(period, records, store))
      if (status !== 200) because(`${store} query ${status}`);
  for (const [node, record] of records) {
    const has = found.get(node);
    const sent = new Map(record.spans.map((one) => [one.batch, one]));
    const wasLost = period.lost.some((one) => one.node === node);
    for (const { at, batch, first, last } of record.batches.filter((one) => within(one.at, period))) {
      for (let number = first; number <= last; number += 1) {
        const copies = has?.lines.get(number) ?? 0;
        cost.lines.written += 1;
        if (copies === 0) {
          cost.lines.lost += 1;
          because(`line of ${node}`);
        }
        if (copies > 1) cost.lines.duplicated += copies - 1;
      }
      const delivery = sent.get(batch);
      if (delivery && taken(delivery.status)) {
        cost.spans.accepted += load.spans;
        cost.spans.lost += Math.max(0, load.spans - (has?.spans.get(batch) ?? 0));
      } else if (isLost(period, node, at) || (wasLost && !delivery)) cost.spans.unsent += load.spans;
      else {
        cost.failedWrites.alloy += 1;
        because(`alloy write ${delivery?.status ?? "without end"}`);
      }
    }
    for (const { at, store, status } of record.writes)
      if (within(at, period) && !taken(status) && !isLost(period, node, at)) {
        cost.failedWrites[store as Store] += 1;
        because(`${store} write ${status}`);
      }
    const missing = {
      alloy: missingSamples(has?.samples.alloy ?? [], period, load.scrapeInterval),
      prometheus: missingSamples(has?.samples.prometheus ?? [], period, load.scrapeInterval),
    };
    if (wasLost) cost.lostTargets[node] = missing;
    else {
      cost.samples.alloy += missing.alloy;
      cost.samples.prometheus += missing.prometheus;
    }
    cost.load = Math.max(
      cost.load,
      ...record.loads.filter(({ at }) => within(at, period)).map((one) => one.load),
    );
  }
  return cost;
}

/** The period in which missing lines were written, with a margin; undefined if all were found. */
export function missingLines(
  period: Period,
  records: Map<string, Written>,
  found: Map<string, Found>,
): { from: number; to: number } | undefined {
  const times = [...records].flatMap(([node, { batches }]) =>
    batches
      .filter(({ at }) => within(at, period))
      .filter(({ first, last }) => {
        const lines = found.get(node)?.lines;
        for (let number = first; number <= last; number += 1) if (!lines?.has(number)) return true;
        return false;
      })
      .map(({ at }) => at),
  );
  const room = 20_000;
  return times.length
    ? {
        from: times.reduce((one, other) => Math.min(one, other)) - room,
        to: times.reduce((one, other) => Math.max(one, other)) + room,
      }
    : undefined;
}

/** Lines, spans and samples that a query of the stores did not find. */
export const missing = ({ lines, samples, spans }: Cost): number =>
  lines.lost + spans.lost + samples.alloy + samples.prometheus;
