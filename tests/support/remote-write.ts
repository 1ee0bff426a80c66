/**
 * Prometheus remote write 1.0, for series with exact labels and times:
 * https://prometheus.io/docs/specs/prw/remote_write_spec/
 */

/** Labels, including `__name__`. */
export type Labels = Record<string, string>;

export interface Series {
  labels: Labels;
  /** Values, with their times in milliseconds; default now. */
  samples: { value: number; time?: number }[];
  exemplars?: { labels: Labels; value: number; time?: number }[];
}

// The required part of protocol buffers' wire format: https://protobuf.dev/programming-guides/encoding/
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const number = (field: number, value: number) => [field * 8, ...varint(value)];
const double = (field: number, value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [field * 8 + 1, ...bytes];
};
const message = (field: number, content: number[]) => [field * 8 + 2, ...varint(content.length), ...content];
const text = (field: number, value: string) => message(field, [...Buffer.from(value)]);

/** Labels must be sorted by their names. */
const labelsIn = (labels: Labels) =>
  Object.entries(labels)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, value]) => message(1, [...text(1, name), ...text(2, value)]));

const seriesIn = ({ labels, samples, exemplars = [] }: Series) => {
  const now = Date.now();
  return [
    ...labelsIn(labels),
    ...samples.flatMap(({ value, time = now }) => message(2, [...double(1, value), ...number(2, time)])),
    ...exemplars.flatMap(({ labels, value, time = now }) =>
      message(3, [...labelsIn(labels), ...double(2, value), ...number(3, time)]),
    ),
  ];
};

/**
 * Snappy's block format without compression: its length, and a single literal:
 * https://github.com/google/snappy/blob/main/format_description.txt
 */
const snappy = (content: number[]): Buffer => {
  const last = Buffer.alloc(4);
  last.writeUInt32LE(content.length - 1);
  return Buffer.from([...varint(content.length), 63 * 4, ...last, ...content]);
};

/** The body of a push. */
export const writeRequest = (series: Series[]): Buffer =>
  snappy(series.flatMap((one) => message(1, seriesIn(one))));

/** Headers of a push. */
export const writeHeaders = {
  "Content-Type": "application/x-protobuf",
  "Content-Encoding": "snappy",
  "X-Prometheus-Remote-Write-Version": "0.1.0",
};
