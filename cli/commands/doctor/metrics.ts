/** Metrics in the text format of https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Sample } from "../../lib/prometheus";

/** The series of a metric, by its name. */
export type Metrics = (name: string) => Sample[];

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, one) => (one === "n" ? "\n" : one));

function labelsOf(text: string): Record<string, string> {
  const labels = text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries([...labels].map(([, name, value = ""]) => [name, unescaped(value)]));
}

/** Reads a page of metrics. A line is parsed only when its metric is read: pages hold thousands. */
export function metrics(page: string): Metrics {
  const lines = new Map<string, string[]>();
  for (const line of page.split("\n")) {
    const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0];
    if (!name) continue;
    const known = lines.get(name) ?? [];
    known.push(line);
    lines.set(name, known);
  }
  return (name) =>
    (lines.get(name) ?? []).map((line) => {
      const end = line.lastIndexOf("}");
      const [value = ""] = line
        .slice(end < 0 ? name.length : end + 1)
        .trim()
        .split(/\s+/);
      return {
        labels: end < 0 ? {} : labelsOf(line.slice(line.indexOf("{") + 1, end)),
        value: Number(value.replace("Inf", "Infinity")),
      };
    });
}

const key = ({ labels }: Sample) => JSON.stringify(Object.entries(labels).sort());

/** The growth of each counter between two pages: one that fell, or is new, began at 0. */
export function growth(before: Metrics, after: Metrics): Metrics {
  return (name) => {
    const earlier = new Map(before(name).map((sample) => [key(sample), sample.value]));
    return after(name).map((sample) => {
      const was = earlier.get(key(sample)) ?? 0;
      return { ...sample, value: sample.value < was ? sample.value : sample.value - was };
    });
  };
}

/** The sum of the series that have these labels. */
export const total = (samples: Sample[], having: Record<string, string> = {}): number =>
  samples
    .filter(({ labels }) => Object.entries(having).every(([name, value]) => labels[name] === value))
    .reduce((sum, { value }) => sum + value, 0);
