/** One event, followed until the stack is whole again, and what it cost. */
import { setTimeout as wait } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Settings } from "../../settings";
import type { Load } from "../chaos/load";
import { taken, type Record as Written } from "../chaos/record";
import { type Cost, costOf, isLost, missing, type Period, perStore, queriesOf } from "./account";
import { askIn, findAll } from "./found";
import type { Harm } from "./harm";
import { troubles } from "./health";
import type { Event } from "./plan";
import { type Case, judge } from "./report";
import type { Writers } from "./writers";

/** How long queries have to be answered, and the stack healthy, until it counts as whole; milliseconds. */
const lasting = 30_000;
/** What was written shortly before an event and is on its way is part of its cost; milliseconds. */
const underWay = 10_000;
/** After the stack is whole: senders try for a minute, Alloy for longer; milliseconds from one look at the stores to the next. */
const looks = [35_000, 40_000, 60_000, 90_000];
/** Looks at most. While each finds more than the one before, data is still on its way. */
const mostLooks = 20;
/** Between two looks at the cluster, in milliseconds. */
const period = 3000;

export interface Scene {
  stack: string;
  settings: Settings;
  config: KubeConfig;
  load: Load;
  run: string;
  writers: Writers;
  harm: Harm;
  /** Seconds. */
  patience: number;
  ignore: string[];
  tell: (line: string) => void;
}

/**
 * When the stack became whole: the last of its health and of queries that failed, where both have lasted.
 *
 * @param healthy since when no trouble is seen; undefined where there is some
 * @returns milliseconds since 1970; undefined if it is not whole yet
 */
export function wholeAt(
  now: number,
  healthy: number | undefined,
  period: Period,
  records: Map<string, Written>,
): number | undefined {
  if (healthy === undefined) return undefined;
  const since = Object.values(
    perStore((store) => {
      const queries = queriesOf({ ...period, to: now }, records, store);
      const failed = queries.findLast(({ status }) => status !== 200);
      const answered = queries.findLast(({ status, at }) => status === 200 && at >= now - lasting);
      return answered ? (failed?.at ?? 0) : Infinity;
    }),
  );
  const whole = Math.max(healthy, ...since);
  return now - whole >= lasting ? whole : undefined;
}

/** Waits until the stack is whole. @returns when it became so; undefined and the reasons where that takes too long */
export async function untilWhole(
  { stack, settings, config, writers, patience, ignore, tell }: Scene,
  event: Period,
): Promise<{ whole?: number; reasons: string[] }> {
  const begun = Date.now();
  let healthy: number | undefined;
  let reasons: string[] = [];
  while (Date.now() - begun < patience * 1000) {
    const found = await troubles(stack, settings, config, ignore).catch((error: Error) => [
      error.message.split("\n")[0] ?? "",
    ]);
    if (found.length) healthy = undefined;
    else healthy ??= Date.now();
    if (found.join() !== reasons.join()) tell(`  ${found.slice(0, 3).join("; ") || "healthy"}`);
    reasons = found;
    const whole = wholeAt(Date.now(), healthy, event, writers.records());
    if (whole !== undefined) return { whole, reasons: [] };
    await wait(period);
  }
  return { reasons: reasons.length ? reasons : ["queries fail"] };
}

/** Looks at the stores until nothing is missing, or nothing more is expected. */
async function costOfEvent({ config, load, run, writers, tell }: Scene, event: Period): Promise<Cost> {
  let last: Cost | Error = new Error("never looked");
  let before = Infinity;
  for (let look = 0; look < mostLooks; look += 1) {
    await wait(looks[look] ?? looks.at(-1));
    const records = writers.records();
    const sent = new Map(
      [...records].map(([node, { spans }]) => [
        node,
        spans
          .filter(({ at, status }) => at >= event.from && at <= event.to && taken(status))
          .map(({ batch }) => batch),
      ]),
    );
    const quest = {
      ask: askIn(config),
      load,
      run,
      from: event.from - 60_000,
      to: Math.min(event.to + 90_000, Date.now()),
    };
    try {
      const found = await findAll(quest, writers.pods(), sent);
      last = costOf(event, records, found, load);
      if (!missing(last) && writers.heardSince(event.to)) return last;
      if (look + 1 >= looks.length && missing(last) >= before) return last;
      before = missing(last);
      const { lines, spans, samples } = last;
      tell(
        `  missing: ${lines.lost} lines, ${spans.lost} spans, ${samples.alloy} and ${samples.prometheus} samples`,
      );
    } catch (error) {
      tell(`  ${(error as Error).message}`);
      if (last instanceof Error) last = error as Error;
    }
  }
  if (last instanceof Error) throw last;
  return last;
}

/** Brings an event about, and finds out what it cost. */
export async function drilled(scene: Scene, event: Event): Promise<Case> {
  const { harm, writers, tell } = scene;
  const begun = Date.now();
  const { lost, notes } = await harm.cause(event);
  const ended = Date.now();
  tell(`  harm over after ${((ended - begun) / 1000).toFixed(0)} s`);
  const during: Period = { from: begun - underWay, to: Infinity, lost };
  const { whole, reasons } = await untilWhole(scene, during);
  const to = Math.max(whole ?? Date.now(), ended);
  tell(
    whole ? `  whole after ${((whole - ended) / 1000).toFixed(0)} s` : `  not whole: ${reasons.join("; ")}`,
  );
  const cost = await costOfEvent(scene, { ...during, to });
  const kept = [...writers.records()].filter(([node]) => !isLost(during, node, begun + 1000));
  const after = whole === undefined ? undefined : Math.max(0, (whole - ended) / 1000);
  return {
    ...{ event: event.name, at: new Date(begun).toISOString(), held: (ended - begun) / 1000 },
    ...(after !== undefined && { whole: after }),
    cost,
    notes: [...notes, ...reasons],
    missed: judge(cost, after, !kept.length),
  };
}
