/** The output of script.js: a line after each step, and a summary at the end. */
import { type Kind, kinds, type Plan, requestedRate, unitOf } from "./plan";

/** Items of a kind in a step. */
export interface Counts {
  /** Accepted with a 2xx. */
  items: number;
  /** Rejected by a limit, with 429. */
  refused: number;
  /** Any other answer, or none within 15 s. */
  errors: number;
}

/** Milliseconds; no percentiles without measurements. */
export interface Times {
  count: number;
  p50?: number;
  p95?: number;
  p99?: number;
}

/** A line after a step. */
export interface StepLine {
  /** From 1. */
  step: number;
  kinds: Partial<Record<Kind, Counts>>;
}

/** A line about a failed request. */
interface WordsLine {
  kind: Kind;
  /** Status and body of the answer, or why there was none. */
  words: string;
}

/** The measurements of k6. */
export interface Summary {
  /** Seconds from the first request to the last answer. */
  seconds: number;
  /** Requests that k6 did not send, because all its virtual users waited for answers. */
  dropped: number;
  /** Results of each step. */
  steps: StepLine["kinds"][];
  /** Response times of successful requests. */
  answer: Partial<Record<Kind, Times>>;
  /** Ingest-to-query times of the marked signals, and the number that was not written or not found. */
  visible: Partial<Record<Kind, Times & { lost: number }>>;
  /** The first answer of each kind that was not a success. */
  words: Partial<Record<Kind, string>>;
}

/** The JSON of lines that begin with a mark, without incomplete lines of a cut log. */
const marked = <T>(log: string, mark: string): T[] =>
  log.split("\n").flatMap((line) => {
    try {
      return line.startsWith(`${mark} `) ? [JSON.parse(line.slice(mark.length + 1)) as T] : [];
    } catch {
      return [];
    }
  });

/** The lines of steps in a log. */
export const readSteps = (log: string): StepLine[] => marked(log, "OBS-STEP");

/** The summary in a log; undefined if k6 did not finish. */
export function readSummary(log: string): Summary | undefined {
  const [, text] = /^OBS-SUMMARY\n(.*)\nOBS-END$/m.exec(log) ?? [];
  if (text === undefined) return undefined;
  const words: Summary["words"] = {};
  for (const line of marked<WordsLine>(log, "OBS-WORDS")) words[line.kind] ??= line.words;
  return { ...(JSON.parse(text) as Omit<Summary, "words">), words };
}

/** A number with three significant digits. */
export const short = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));

/** A step in one line: accepted and target rates, errors. */
export function stepText(plan: Plan, { step, kinds: counts }: StepLine): string {
  const parts = kinds.flatMap((kind) => {
    const count = counts[kind];
    if (!count) return [];
    const wrong = [
      count.errors ? `${count.errors} errors` : "",
      count.refused ? `${count.refused} rejected` : "",
    ].filter(Boolean);
    const taken = `${short(count.items / plan.seconds)} of ${short(requestedRate(plan, kind, step))} ${unitOf(kind)}/s`;
    return [`${kind} ${taken}${wrong.length ? ` (${wrong.join(", ")})` : ""}`];
  });
  return `step ${step} of ${plan.steps}: ${parts.join("; ")}`;
}
