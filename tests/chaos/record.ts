/** Parses the record of a writer of the load: load.sh writes its lines. Times are milliseconds since 1970. Pure. */

/** The written lines of one second; their spans are sent next. */
export interface Batch {
  at: number;
  batch: number;
  /** Numbers of the lines. */
  first: number;
  last: number;
}

/** The spans of a batch, delivered or dropped. */
export interface Sent {
  /** When the batch was written. */
  at: number;
  batch: number;
  tries: number;
  /** HTTP status of the last attempt; 0 without a response. */
  status: number;
}

/** A query, successful or not. */
export interface Asked {
  at: number;
  store: string;
  took: number;
  /** HTTP status, 0 without a response within 10 s; `empty` if the response lacks a written item. */
  status: number | "empty";
}

/** A write to a gateway, delivered or dropped. */
export interface Write {
  at: number;
  store: string;
  tries: number;
  status: number;
}

/** The whole record of a writer. */
export interface Record {
  batches: Batch[];
  spans: Sent[];
  queries: Asked[];
  writes: Write[];
  /** Load averages of the node. */
  loads: { at: number; load: number }[];
}

export const emptyRecord = (): Record => ({ batches: [], spans: [], queries: [], writes: [], loads: [] });

/** Parses lines of a record, and adds them to one. An incomplete line is omitted. */
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

/** Whether a receiver accepted a request. */
export const taken = (status: number): boolean => status >= 200 && status <= 299;
