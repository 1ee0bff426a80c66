/** What a writer of the load recorded: load.sh writes the lines. Times are milliseconds since 1970. Pure. */

/** One second's lines, written; its spans are sent next. */
export interface Batch {
  at: number;
  batch: number;
  /** Numbers of the lines. */
  first: number;
  last: number;
}

/** The spans of a batch, delivered or given up. */
export interface Sent {
  /** When the batch was written. */
  at: number;
  batch: number;
  tries: number;
  /** HTTP status of the last try; 0 without an answer. */
  status: number;
}

/** A query, answered or not. */
export interface Asked {
  at: number;
  store: string;
  took: number;
  /** HTTP status, 0 without an answer within 10 s; `empty` where the answer lacks what was written. */
  status: number | "empty";
}

/** A write to a gateway, delivered or given up. */
export interface Write {
  at: number;
  store: string;
  tries: number;
  status: number;
}

/** All that a writer recorded. */
export interface Record {
  batches: Batch[];
  spans: Sent[];
  queries: Asked[];
  writes: Write[];
  /** Load averages of the node. */
  loads: { at: number; load: number }[];
}

export const emptyRecord = (): Record => ({ batches: [], spans: [], queries: [], writes: [], loads: [] });

/** Reads lines of a record, which are added to one. A line without its end is left out. */
export function readRecord(text: string, record = emptyRecord()): Record {
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    const [kind, ...words] = line.split(" ");
    const [at = 0, second = 0, third = 0, fourth = 0] = words.map(Number);
    const store = words[1] ?? "";
    if (kind === "batch") record.batches.push({ at, batch: second, first: third, last: fourth });
    if (kind === "spans") record.spans.push({ at, batch: second, tries: third, status: fourth });
    if (kind === "write") record.writes.push({ at, store, tries: third, status: fourth });
    if (kind === "load") record.loads.push({ at, load: second });
    if (kind === "query") {
      const status = words[3] === "empty" ? "empty" : fourth;
      record.queries.push({ at, store, took: third, status });
    }
  }
  return record;
}

/** Whether a receiver accepted what it was sent. */
export const taken = (status: number): boolean => status >= 200 && status <= 299;
