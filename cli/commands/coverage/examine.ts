/** Finds the queries that have no data, and why. */
import pLimit from "p-limit";
import type { Settings } from "../../../settings";
import { type Knowledge, reasonFor } from "./judge";
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
import type { Holdings } from "./stores";

/** Queries at a time. */
const atOnce = pLimit(8);

/** A selector in a source. */
interface Seen {
  series: boolean;
  /** Labels of the metric, if no series matches. */
  labels?: Set<string>;
  /** Another source in which series match. */
  other?: Source;
  /** Whether the targets that expose the metric to another source are scraped into this one, too. */
  scraped?: boolean;
}

export interface Examined {
  /** All queries, and those that were checked. */
  readings: Reading[];
  judged: Reading[];
  gaps: Gap[];
  unjudged: Unjudged[];
  names: Map<Source, Set<string>>;
}

export interface Question {
  stack: string;
  settings: Settings;
  readings: Reading[];
  sources: Source[];
  drops: Knowledge["drops"];
  /** Whether to query the series of each selector, too, not only names of metrics. */
  deep: boolean;
}

/** Checks all queries against the stores. */
export async function examine(question: Question, store: Holdings): Promise<Examined> {
  const { stack, settings, readings, drops, deep } = question;
  const unjudged: Unjudged[] = [];
  const byUid = new Map(question.sources.map((source) => [source.uid, source]));
  const names = new Map<Source, Set<string>>();
  const failed = new Map<Source, string>();
  await atOnce.map(byUid.values(), async (source) => {
    await store.names(source).then(
      (found) => names.set(source, found),
      (error: Error) => failed.set(source, `${source.name} did not respond: ${error.message}`),
    );
  });

  const judged: { reading: Reading; source: Source; query: Query }[] = [];
  for (const reading of readings) {
    const source = byUid.get(reading.source);
    try {
      if (!source) throw new Error(`data source ${reading.source} does not exist`);
      if (failed.has(source)) throw new Error(failed.get(source));
      judged.push({ reading, source, query: parse(reading.expr) });
    } catch (error) {
      unjudged.push({ owner: reading.owner, item: reading.item, why: (error as Error).message });
    }
  }

  const seen = new Map<string, Seen>();
  const keyOf = (source: Source, selector: Selector) => `${source.uid} ${textOf(selector)}`;
  const asked = new Map<string, { source: Source; selector: Selector }>();
  const elsewhere = new Map<string, { source: Source; metric: string; other: Source }>();
  for (const { source, query } of judged)
    for (const selector of query.selectors) {
      const key = keyOf(source, selector);
      const there = metricsOf(selector, names.get(source) ?? []).length > 0;
      seen.set(key, { series: there });
      const conditions = selector.matchers.some(({ label }) => label !== "__name__");
      if (deep && there && conditions) asked.set(key, { source, selector });
      const { metric } = selector;
      const other =
        metric && !there && [...names].find(([one, known]) => one !== source && known.has(metric));
      if (other) elsewhere.set(key, { source, metric, other: other[0] });
    }
  await atOnce.map(elsewhere, async ([key, { source, metric, other }]) => {
    const [here, there] = await Promise.all([store.jobs(source, "up"), store.jobs(other, metric)]);
    seen.set(key, { series: false, scraped: [...there].some((job) => here.has(job)) });
  });
  await atOnce.map(asked, async ([key, { source, selector }]) => {
    try {
      const text = textOf(selector);
      if (await store.hasSeries(source, text)) return;
      const labels = selector.metric === undefined ? undefined : await store.labels(source, selector.metric);
      const others = [...names].filter(([one, known]) => one !== source && metricsOf(selector, known).length);
      let other: Source | undefined;
      for (const [one] of others) if (!other && (await store.hasSeries(one, text))) other = one;
      seen.set(key, { series: false, ...(labels && { labels }), ...(other && { other }) });
    } catch (error) {
      unjudged.push({ owner: source.name, item: textOf(selector), why: (error as Error).message });
    }
  });

  const recorded = new Map(
    readings.flatMap(({ records, owner }) => (records?.includes(":") ? [[records, owner]] : [])),
  );
  const known: Knowledge = { stack, settings, names, drops, recorded };
  /** @param dead metrics that are recorded from blocked metrics or from ones that are not collected, with that state */
  const gapsWith = (dead: Map<string, State>) =>
    judged.flatMap(({ reading, source, query }): Gap[] => {
      const reasons = new Map<string, Reason>();
      const hasSeries = (selector: Selector) => seen.get(keyOf(source, selector))?.series ?? true;
      for (const selector of query.missing(hasSeries)) {
        const found = seen.get(keyOf(source, selector)) ?? {};
        reasons.set(textOf(selector), reasonFor(selector, source, reading.kind, known, found));
      }
      const rankOf = (selector: Selector) => {
        const reason = reasons.get(textOf(selector));
        if (!reason) return states.length;
        const state =
          (reason.cause === "recorded from nothing" && dead.get(reason.what)) || stateOf(reason.cause);
        return states.indexOf(state);
      };
      // The worst state whose selectors alone are enough to have no data.
      const state = states.find((_, rank) => query.missing((selector) => rankOf(selector) > rank).length);
      const unique = [...new Map([...reasons.values()].map((reason) => [reason.text, reason])).values()];
      return state ? [{ ...reading, reasons: unique, state }] : [];
    });
  let dead = new Map<string, State>();
  for (;;) {
    const gaps = gapsWith(dead);
    const next = new Map(
      gaps.flatMap(({ records, state }) => (records && state !== "no data now" ? [[records, state]] : [])),
    );
    if (next.size === dead.size)
      return { readings, judged: judged.map(({ reading }) => reading), gaps, unjudged, names };
    dead = next;
  }
}
