/**
 * Metrics that collectors and Prometheus report about what they send, read twice from each pod: an agent has no
 * Prometheus, and Prometheus or Mimir may be the cause. The second reading shows what happens now.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { type NamespaceKey, namespaceKey } from "../../../names";
import type { Sample } from "../../lib/prometheus";
import { podText } from "../../lib/tunnel";
import type { Context } from "./check";
import { age } from "./cluster-state";

/** The series of a metric, by its name. */
export type Metrics = (name: string) => Sample[];

const unescaped = (text: string) => text.replace(/\\(.)/g, (_, one) => (one === "n" ? "\n" : one));

function labelsOf(text: string): Record<string, string> {
  const labels = text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries([...labels].map(([, name, value = ""]) => [name, unescaped(value)]));
}

/** Reads a page of metrics. A line is parsed only when its metric is read: pages hold thousands. */
export const metrics =
  (page: string): Metrics =>
  (name) =>
    [...page.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? +(\\S+)`, "gm"))].map(
      ([, labels = "", value = ""]) => ({
        labels: labelsOf(labels),
        value: Number(value.replace("Inf", "Infinity")),
      }),
    );

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

/** Seconds between the two readings: Prometheus and Alloy send every 5 s or sooner. */
const apart = 5;

/** The port with the metrics of a pod that sends signals; undefined for other pods. */
function portOf(key: NamespaceKey | undefined, labels: Record<string, string>): number | undefined {
  if (key?.startsWith("alloy")) return 12345;
  if (key === "monitoring" && labels["app.kubernetes.io/name"] === "prometheus") return 9090;
  if (key === "tempo" && labels["app.kubernetes.io/component"] === "metrics-generator") return 3200;
  return undefined;
}

/** Reads the metrics of a pod twice; undefined if it sends no signals. */
async function read({ config, settings }: Context, pod: V1Pod) {
  const { namespace = "", name = "", labels = {} } = pod.metadata ?? {};
  const key = namespaceKey(settings, namespace);
  const port = portOf(key, labels);
  if (!key || !port) return undefined;
  const page = async () =>
    metrics(await podText(config, { namespace, selector: "", pod: name, port }, "/metrics"));
  const before = await page();
  await wait(apart * 1000);
  const now = await page();
  return {
    key,
    namespace,
    pod: name,
    /** Seconds since its start. */
    age: age(pod),
    /** The second reading. */
    now,
    /** How much its counters grew between the two. */
    grown: growth(before, now),
  };
}
/** The metrics of a pod. */
export type Reading = NonNullable<Awaited<ReturnType<typeof read>>>;

/** Reads every pod that sends signals. Pods that do not answer are reported by the check of pods. */
export async function readings(context: Context): Promise<Reading[]> {
  const pods = await context.cluster.pods();
  const all = await Promise.all(pods.map((pod) => read(context, pod).catch(() => undefined)));
  return all.filter((one) => one !== undefined);
}
