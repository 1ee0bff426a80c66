/** From what k6 measured to what people want to know: the rate that each signal sustained, and who gave out first. */
import { askedRate, type Kind, kinds, type Plan, units } from "./plan";
import type { Counts, Summary, Times } from "./summary";

/** A step counts as held where at least this share of what was asked for was taken. */
export const enough = 0.95;

/** One kind's line of the table. */
export interface SignalRow {
  kind: Kind;
  unit: string;
  /** Items a second that the last step asked for. */
  asked: number;
  /** Items a second that were taken in the highest step that held, with every step below it; 0 where none did. */
  sustained: number;
  /** Items that failed, or were refused by a limit (429), in the whole run. */
  errors: number;
  refused: number;
  /** How long answers took, in milliseconds. */
  answer: Times;
  /** From writing a marked signal to finding it, in milliseconds; kinds that write only. */
  visible?: Times & { lost: number };
}

/** The first step at which a kind did not hold. */
export interface GaveOut {
  /** From 1. */
  step: number;
  kind: Kind;
  /** What to look at. */
  component: string;
  reason: string;
}

/** Whose work each kind is. */
const components: Record<Kind, string> = {
  logs: "Loki's write path (gateway, distributor, ingester)",
  metrics: "Mimir's write path (gateway, distributor, ingester)",
  traces: "Alloy for traces",
  LogQL: "Loki's read path (query-frontend, querier)",
  PromQL: "Mimir's read path (query-frontend, querier)",
  TraceQL: "Tempo's read path (query-frontend, querier)",
};

const none: Counts = { items: 0, refused: 0, errors: 0 };

/** Why a step did not hold, or undefined where it did. */
function failure(
  plan: Plan,
  kind: Kind,
  step: number,
  { items, refused, errors }: Counts,
): string | undefined {
  const asked = askedRate(plan, kind, step) * plan.seconds;
  // A request at the edge of a step counts as the neighbour's.
  const slack = 2 * (plan.kinds[kind]?.batch ?? 0);
  if (errors) return `${errors} of about ${Math.round(asked)} ${units[kind]} failed`;
  if (refused) return `${refused} of about ${Math.round(asked)} ${units[kind]} were refused by a limit (429)`;
  if (items < enough * asked - slack)
    return `${items} of about ${Math.round(asked)} ${units[kind]} were taken in time: answers were too slow, or k6 had too little CPU`;
  return undefined;
}

const present = (plan: Plan): Kind[] => kinds.filter((kind) => plan.kinds[kind]);

/** The table's lines, of the kinds that were part of the load. */
export const signalRows = (plan: Plan, summary: Summary): SignalRow[] =>
  present(plan).map((kind) => {
    const counts = summary.steps.map((step) => step[kind] ?? none);
    const first = counts.findIndex((count, index) => failure(plan, kind, index + 1, count));
    const held = first === -1 ? counts.length : first;
    const sum = (key: keyof Counts) => counts.reduce((all, count) => all + count[key], 0);
    const visible = summary.visible[kind];
    return {
      kind,
      unit: units[kind],
      asked: askedRate(plan, kind, plan.steps),
      sustained: (counts[held - 1]?.items ?? 0) / plan.seconds,
      errors: sum("errors"),
      refused: sum("refused"),
      answer: summary.answer[kind] ?? { count: 0 },
      ...(visible && { visible }),
    };
  });

/** Who gave out in the first step in which anyone did; empty where every step held. */
export function gaveOut(plan: Plan, summary: Summary): GaveOut[] {
  for (const [index, counts] of summary.steps.entries()) {
    const step = index + 1;
    const failed = present(plan).flatMap((kind) => {
      const reason = failure(plan, kind, step, counts[kind] ?? none);
      if (!reason) return [];
      const words = summary.words[kind];
      return [
        { step, kind, component: components[kind], reason: words ? `${reason}; answer: ${words}` : reason },
      ];
    });
    if (failed.length) return failed;
  }
  return [];
}

/** Kinds whose marked signals were not all found, with how many of them were not. */
export const missing = (plan: Plan, { visible }: Summary): { kind: Kind; lost: number; of: number }[] =>
  present(plan).flatMap((kind) => {
    const { count = 0, lost = 0 } = visible[kind] ?? {};
    return lost ? [{ kind, lost, of: count + lost }] : [];
  });

/** The same in words. */
export function verdictText(plan: Plan, summary: Summary): string {
  const lines = missing(plan, summary).map(
    ({ kind, lost, of }) =>
      `${lost} of ${of} marked signals of ${kind} were not written, or not found until ${plan.patience} s after the last step`,
  );
  return [stepsText(plan, summary), ...lines].join("\n");
}

function stepsText(plan: Plan, summary: Summary): string {
  const failed = gaveOut(plan, summary);
  if (!failed.length)
    return `nothing gave out: all ${plan.steps} steps were taken to at least ${enough * 100} %, without an error`;
  return [
    `gave out first, in step ${failed[0]?.step} of ${plan.steps}:`,
    ...failed.map(({ component, kind, reason }) => `  ${component}: ${kind}, ${reason}`),
  ].join("\n");
}
