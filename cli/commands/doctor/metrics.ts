/** What a program tells at `/metrics`, in the text format of https://prometheus.io/docs/instrumenting/exposition_formats/ */

/** One series and its value. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** The series of a metric, by its name; none where there is no such metric. */
export type Metrics = (name: string) => Sample[];

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, one) => (one === "n" ? "\n" : one));

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g))
    labels[name] = unescaped(value);
  return labels;
}

/** Reads a page of metrics. A line is taken apart only when its metric is asked for: pages hold thousands. */
export function metrics(page: string): Metrics {
  const lines = new Map<string, string[]>();
  for (const line of page.split("\n")) {
    const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
    if (!name) continue;
    const known = lines.get(name);
    if (known) known.push(line);
    else lines.set(name, [line]);
  }
  return (name) =>
    (lines.get(name) ?? []).map((line) => {
      const end = line.lastIndexOf("}");
      const labels = end < 0 ? "" : line.slice(line.indexOf("{") + 1, end);
      const [value] = line
        .slice(end < 0 ? name.length : end + 1)
        .trim()
        .split(/\s+/);
      return {
        labels: labelsOf(labels),
        value: value === "+Inf" ? Infinity : value === "-Inf" ? -Infinity : Number(value),
      };
    });
}

const key = ({ labels }: Sample) =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .join("\n");

/** How much each counter grew from one page to the next: one that fell began again at 0, one that is new did so there. */
export function growth(before: Metrics, after: Metrics): Metrics {
  return (name) => {
    const earlier = new Map(before(name).map((sample) => [key(sample), sample.value]));
    return after(name).map((sample) => {
      const was = earlier.get(key(sample)) ?? 0;
      return { labels: sample.labels, value: sample.value < was ? sample.value : sample.value - was };
    });
  };
}

/** Adds up the series that have these labels. */
export const total = (samples: Sample[], having: Record<string, string> = {}): number =>
  samples
    .filter(({ labels }) => Object.entries(having).every(([name, value]) => labels[name] === value))
    .reduce((sum, { value }) => sum + value, 0);
