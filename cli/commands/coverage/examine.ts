/** Finds the queries that have no data, and why. */
import pLimit from "p-limit";
import { type Found, type Knowledge, reasonFor } from "./judge";
import {
  type Gap,
  type Reading,
  type Reason,
  type Source,
  type State,
  stateOf,
  states,
  type Unjudged,
} from "./model";
import { metricsOf, parse, type Query, type Selector, textOf } from "./promql";
import { mimir, prometheus } from "./sources";
import type { Holdings } from "./stores";

/** Queries at a time. */
const atOnce = pLimit(8);

type Question = Omit<Knowledge, "recorded"> & { readings: Reading[]; deep: boolean };

/**
 * Checks all queries in the stores that evaluate them, and in Prometheus and Mimir, which may have more metrics.
 *
 * @param question `deep`: whether to query the series of each selector, too, not only names of metrics
 */
export async function examine({ stack, settings, readings, drops, deep }: Question, store: Holdings) {
  const unjudged: Unjudged[] = [];
  const sources = new Map<string, Source>();
  for (const source of [prometheus, mimir, ...readings.map(({ source }) => source)])
    if ("uid" in source) sources.set(source.uid, source);
  const names = new Map<Source, Set<string>>();
  const failed = new Map<Source, string>();
  await atOnce.map(sources.values(), (source) =>
    store.names(source).then(
      (found) => names.set(source, found),
      (error: Error) => failed.set(source, `${source.name} did not respond: ${error.message}`),
    ),
  );

  const judged: { reading: Reading; source: Source; query: Query }[] = [];
  for (const reading of readings) {
    try {
      if ("why" in reading.source) throw new Error(reading.source.why);
      const source = sources.get(reading.source.uid) ?? reading.source;
      if (failed.has(source)) throw new Error(failed.get(source));
      judged.push({ reading, source, query: parse(reading.expr) });
    } catch (error) {
      unjudged.push({ owner: reading.owner, item: reading.item, why: (error as Error).message });
    }
  }

  /** Whether targets that expose series to another source are scraped into this one, too. */
  const isScraped = async (source: Source, other: Source, selector: string) => {
    const [own, theirs] = await Promise.all([store.jobs(source, "up"), store.jobs(other, selector)]);
    return [...theirs].some((job) => own.has(job));
  };

  /** What the stores have of a selector; undefined if its source has series. */
  const look = async (source: Source, selector: Selector): Promise<Found | undefined> => {
    const here = names.get(source) ?? new Set<string>();
    const { metric, matchers } = selector;
    const others = () =>
      [...names].filter(([one, known]) => one !== source && metricsOf(selector, known).length);
    if (!metricsOf(selector, here).length) {
      const [other] = (metric && others()[0]) || [];
      if (!metric || !other) return { here };
      return { here, other, scraped: await isScraped(source, other, textOf({ metric, matchers: [] })) };
    }
    const conditions = matchers.some(({ label }) => label !== "__name__");
    const text = textOf(selector);
    if (!deep || !conditions || (await store.hasSeries(source, text))) return undefined;
    const labels = metric ? await store.labels(source, textOf({ metric, matchers: [] })) : undefined;
    for (const [other] of others())
      if (await store.hasSeries(other, text))
        return { here, labels, other, scraped: await isScraped(source, other, text) };
    return { here, labels };
  };
  const keyOf = (source: Source, selector: Selector) => `${source.uid} ${textOf(selector)}`;
  const selectors = new Map(
    judged.flatMap(({ source, query }) =>
      query.selectors.map((selector) => [keyOf(source, selector), { source, selector }] as const),
    ),
  );
  const missing = new Map<string, Found>();
  await atOnce.map(selectors, async ([key, { source, selector }]) => {
    try {
      const found = await look(source, selector);
      if (found) missing.set(key, found);
    } catch (error) {
      unjudged.push({ owner: source.name, item: textOf(selector), why: (error as Error).message });
    }
  });

  const recorded = new Map(
    readings.flatMap(({ records, owner }) => (records?.includes(":") ? [[records, owner]] : [])),
  );
  const known: Knowledge = { stack, settings, drops, recorded };
  /** The states of metrics that are recorded from blocked metrics, or from ones that are not collected. */
  const dead = new Map<string, State>();
  const gapsNow = () =>
    judged.flatMap(({ reading, source, query }): Gap[] => {
      const reasons = new Map<string, Reason>();
      for (const selector of query.missing((one) => !missing.has(keyOf(source, one)))) {
        const found = missing.get(keyOf(source, selector));
        if (found) reasons.set(textOf(selector), reasonFor(selector, reading.kind, known, found));
      }
      const rankOf = (selector: Selector) => {
        const reason = reasons.get(textOf(selector));
        if (!reason) return states.length;
        const state =
          (reason.cause === "recorded from nothing" && dead.get(reason.what)) || stateOf[reason.cause];
        return states.indexOf(state);
      };
      // The worst state whose selectors alone are enough to have no data.
      const state = states.find((_, rank) => query.missing((selector) => rankOf(selector) > rank).length);
      const unique = [...new Map([...reasons.values()].map((reason) => [reason.text, reason])).values()];
      return state ? [{ ...reading, source: source.uid, reasons: unique, state }] : [];
    });
  for (let before = -1; before < dead.size; ) {
    before = dead.size;
    for (const { records, state } of gapsNow())
      if (records && state !== "no data now") dead.set(records, state);
  }
  return { judged: judged.map(({ reading }) => reading), gaps: gapsNow(), unjudged, names };
}
