/** Follows one event until the stack has fully recovered, and calculates its cost. */
import { setTimeout as wait } from "node:timers/promises";
import type { Load } from "../chaos/load";
import { taken, type Record as Written } from "../chaos/record";
import {
  type Cost,
  costOf,
  type Found,
  isLost,
  missing,
  missingLines,
  type Period,
  perStore,
  queriesOf,
} from "./account";
import { type Ask, findAll, joined } from "./found";
import type { Harm } from "./harm";
import type { Event } from "./plan";
import { type Case, judge } from "./report";
import type { Writers } from "./writers";

/** How long queries must succeed, and the stack be healthy, for a full recovery; milliseconds. */
const lasting = 30_000;
/** Data written shortly before an event is still in transit, so its loss counts as well; milliseconds. */
const underWay = 10_000;
/**
 * After the recovery, senders retry for a minute, Alloy for longer; milliseconds between two comparisons with the
 * stores.
 */
const looks = [35_000, 45_000, 60_000];
/** Maximum number of comparisons. While each finds more than the previous one, data is still arriving. */
const mostLooks = 20;
/** Interval of health checks, in milliseconds. */
const period = 3000;

export interface Scene {
  /** Queries the gateways. */
  ask: Ask;
  /** Reasons why the stack is not healthy. */
  troubles: () => Promise<string[]>;
  load: Load;
  run: string;
  writers: Writers;
  harm: Harm;
  /** Timeout of the recovery, in seconds. */
  patience: number;
  /** Timeout of the whole event, in seconds. */
  limit: number;
  tell: (line: string) => void;
}

/**
 * Time of the full recovery: of health and of queries, after both have lasted.
 *
 * @param healthy since when there are no troubles; undefined if there are any
 * @returns milliseconds since 1970; undefined before the recovery
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

/**
 * Waits for the full recovery.
 *
 * @param seconds timeout
 * @returns its time; after a timeout undefined and the reasons
 */
export async function untilWhole(
  { troubles, writers, tell }: Pick<Scene, "troubles" | "writers" | "tell">,
  event: Period,
  seconds: number,
): Promise<{ whole?: number; reasons: string[] }> {
  const begun = Date.now();
  let healthy: number | undefined;
  let reasons: string[] = [];
  while (Date.now() - begun < seconds * 1000) {
    const found = await troubles().catch((error: Error) => [error.message.split("\n")[0] ?? ""]);
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

/** The cost of an event, as far as the stores show it. */
interface Compared {
  cost: Cost;
  /** Why the stores may have more by now. */
  open?: string;
  /** Whether the stores responded at all. */
  compared: boolean;
}

/**
 * Compares the records with the stores until nothing is missing, nothing more is expected, or the deadline; at least
 * once.
 *
 * @param deadline milliseconds since 1970
 */
async function costOfEvent(
  { ask, load, run, writers, tell }: Scene,
  event: Period,
  deadline: number,
): Promise<Compared> {
  let known: Map<string, Found> | undefined;
  let failure = "";
  let before = Infinity;
  const cost = () => costOf(event, writers.records(), known ?? new Map(), load);
  for (let look = 0; look < mostLooks; look += 1) {
    const pause = looks[look] ?? looks.at(-1) ?? 0;
    const late = Date.now() + pause > deadline;
    if (look && late) break;
    if (!late) await wait(pause);
    const records = writers.records();
    const sent = new Map(
      [...records].map(([node, { spans }]) => [
        node,
        spans
          .filter(({ at, status }) => at >= event.from && at <= event.to && taken(status))
          .map(({ batch }) => batch),
      ]),
    );
    const [from, to] = [event.from - 60_000, Math.min(event.to + 90_000, Date.now())];
    try {
      const found = await findAll(
        { ask, load, run, from, to },
        writers.pods(),
        sent,
        known ? missingLines(event, records, known) : { from, to },
        known,
      );
      known = joined(known, found);
      const { lines, spans, samples } = cost();
      const gone = missing(cost());
      if (!gone && writers.heardSince(event.to)) return { cost: cost(), compared: true };
      if (look + 1 >= looks.length && gone >= before) return { cost: cost(), compared: true };
      before = gone;
      tell(
        `  missing: ${lines.lost} lines, ${spans.lost} spans, ${samples.alloy} and ${samples.prometheus} samples`,
      );
    } catch (error) {
      failure = (error as Error).message;
      tell(`  ${failure}`);
    }
  }
  return known
    ? { cost: cost(), compared: true, open: "data was still arriving, or the comparison timed out" }
    : { cost: cost(), compared: false, open: `the stores did not answer: ${failure}` };
}

/** A finished event. */
export interface Outcome {
  seen: Case;
  /** Compares again, if data was missing at the deadline. */
  again?: () => Promise<Case>;
}

/** Causes an event, and calculates its cost. Errors are part of the result. */
export async function drilled(scene: Scene, event: Event): Promise<Outcome> {
  const { harm, writers, patience, limit, tell } = scene;
  const { whole: calm, reasons: unrest } = await untilWhole(
    scene,
    { from: Date.now() - 60_000, to: Infinity, lost: [] },
    patience,
  );
  tell(
    `${event.name}${calm === undefined ? `, although the stack is not healthy: ${unrest.join("; ")}` : ""}`,
  );
  const begun = Date.now();
  const deadline = begun + limit * 1000;
  const { lost, notes, failed } = await harm.cause(event);
  const ended = Date.now();
  tell(`  event over after ${((ended - begun) / 1000).toFixed(0)} s${failed ? `: ${failed}` : ""}`);
  const during: Period = { from: begun - underWay, to: Infinity, lost };
  const { whole, reasons } = await untilWhole(scene, during, patience);
  const to = Math.max(whole ?? Date.now(), ended);
  tell(
    whole
      ? `  recovered after ${((whole - ended) / 1000).toFixed(0)} s`
      : `  did not recover: ${reasons.join("; ")}`,
  );
  const after = whole === undefined ? undefined : Math.max(0, (whole - ended) / 1000);
  const result = async (until: number): Promise<Case> => {
    const { cost, compared, open } = await costOfEvent(scene, { ...during, to }, until);
    const stopped = event.kind === "loki-outage" ? ("loki" as const) : undefined;
    const kept = [...writers.records()].filter(([node]) => !isLost(during, node, begun + 1000));
    return {
      ...{ event: event.name, at: new Date(begun).toISOString(), held: (ended - begun) / 1000 },
      ...(after !== undefined && { whole: after }),
      ...{ cost, compared },
      notes: [
        ...(calm === undefined ? [`not healthy before: ${unrest.join("; ")}`] : []),
        ...notes,
        ...reasons,
        ...(open ? [open] : []),
      ],
      missed: [
        ...(failed ? [failed] : []),
        ...judge(cost, after, { all: !kept.length, compared, ...(stopped && { stopped }) }),
      ],
      ...(open && { open: true }),
    };
  };
  const seen = await result(deadline);
  return { seen, ...(seen.open && { again: () => result(0) }) };
}
