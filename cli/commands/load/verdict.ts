/** The sustained rate of each signal, and the first bottleneck, from the measurements of k6. */
import { type Kind, kinds, type Plan, requestedRate, unitOf } from "./plan";
import type { Counts, Summary } from "./summary";

/** A step holds if at least this share of its target was accepted. */
const enough = 0.95;

/** The components behind each kind. */
const components: Record<Kind, string> = {
  logs: "Loki's write path (gateway, distributor, ingester)",
  metrics: "Mimir's write path (gateway, distributor, ingester)",
  traces: "Alloy for traces",
  LogQL: "Loki's read path (query-frontend, querier)",
  PromQL: "Mimir's read path (query-frontend, querier)",
  TraceQL: "Tempo's read path (query-frontend, querier)",
};

const none: Counts = { items: 0, refused: 0, errors: 0 };

/** Why a step did not hold; undefined if it did. */
function failure(
  plan: Plan,
  kind: Kind,
  step: number,
  { items, refused, errors }: Counts,
): string | undefined {
  const asked = requestedRate(plan, kind, step) * plan.seconds;
  // A request at the edge of a step may count as its neighbor's.
  const slack = 2 * (plan.kinds[kind]?.batch ?? 0);
  if (errors) return `${errors} of about ${Math.round(asked)} ${unitOf(kind)} failed`;
  if (refused)
    return `${refused} of about ${Math.round(asked)} ${unitOf(kind)} were rejected by a limit (429)`;
  if (items < enough * asked - slack)
    return `${items} of about ${Math.round(asked)} ${unitOf(kind)} were accepted in time: responses were too slow, or k6 had too little CPU`;
  return undefined;
}

const present = (plan: Plan): Kind[] => kinds.filter((kind) => plan.kinds[kind]);

/** Results of the kinds in the plan. */
export const signalRows = (plan: Plan, summary: Summary) =>
  present(plan).map((kind) => {
    const counts = summary.steps.map((step) => step[kind] ?? none);
    const first = counts.findIndex((count, index) => failure(plan, kind, index + 1, count));
    const held = first === -1 ? counts.length : first;
    const sum = (key: keyof Counts) => counts.reduce((all, count) => all + count[key], 0);
    const visible = summary.visible[kind];
    return {
      kind,
      unit: unitOf(kind),
      /** Target of the last step, in items per second. */
      asked: requestedRate(plan, kind, plan.steps),
      /** Accepted items per second in the highest step that held, as did every step below it; 0 if none did. */
      sustained: (counts[held - 1]?.items ?? 0) / plan.seconds,
      /** Items that failed, and items that a limit rejected (429), in the whole run. */
      errors: sum("errors"),
      refused: sum("refused"),
      /** Response times in milliseconds. */
      answer: summary.answer[kind] ?? { count: 0 },
      /** Milliseconds from the write of a marked signal until a query finds it; only kinds that write. */
      ...(visible && { visible }),
    };
  });

/** The kinds that failed in the first step that did not hold; empty if every step held. */
export function exhausted(plan: Plan, summary: Summary) {
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

/** Kinds whose marked signals were not all found. */
export const missing = (plan: Plan, { visible }: Summary) =>
  present(plan).flatMap((kind) => {
    const { count = 0, lost = 0 } = visible[kind] ?? {};
    return lost ? [{ kind, lost, of: count + lost }] : [];
  });

/** The verdict in sentences. */
export function verdictText(
  plan: Plan,
  failed: ReturnType<typeof exhausted>,
  lost: ReturnType<typeof missing>,
): string {
  const [first] = failed;
  return [
    ...(first
      ? [
          `first bottleneck, in step ${first.step} of ${plan.steps}:`,
          ...failed.map(({ component, kind, reason }) => `  ${component}: ${kind}, ${reason}`),
        ]
      : [
          `no bottleneck: all ${plan.steps} steps were sustained to at least ${enough * 100} %, without an error`,
        ]),
    ...lost.map(
      ({ kind, lost, of }) =>
        `${lost} of ${of} marked signals of ${kind} were not found until ${plan.patience} s after the last step`,
    ),
  ].join("\n");
}
