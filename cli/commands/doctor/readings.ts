/**
 * Metrics that collectors and Prometheus report about what they send, read twice from each pod: an agent has no
 * Prometheus, and Prometheus or Mimir may be the cause. The second reading shows what happens now.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import { type NamespaceKey, namespaceKey } from "../../../names";
import { podText } from "../../lib/tunnel";
import type { Context } from "./check";
import { age } from "./instances";
import { growth, type Metrics, metrics } from "./metrics";

/** Seconds between the two readings: Prometheus and Alloy send every 5 s or sooner. */
const apart = 5;

/** The metrics of a pod. */
export interface Reading {
  key: NamespaceKey;
  namespace: string;
  pod: string;
  /** Seconds since its start. */
  age: number;
  /** The second reading. */
  now: Metrics;
  /** How much its counters grew between the two. */
  grown: Metrics;
}

/** The port with the metrics of a pod that sends signals; undefined for other pods. */
function portOf(key: NamespaceKey | undefined, labels: Record<string, string>): number | undefined {
  if (key?.startsWith("alloy")) return 12345;
  if (key === "monitoring" && labels["app.kubernetes.io/name"] === "prometheus") return 9090;
  if (key === "tempo" && labels["app.kubernetes.io/component"] === "metrics-generator") return 3200;
  return undefined;
}

async function read({ config, settings }: Context, pod: V1Pod): Promise<Reading | undefined> {
  const { namespace = "", name = "", labels = {} } = pod.metadata ?? {};
  const key = namespaceKey(settings, namespace);
  const port = portOf(key, labels);
  if (!key || !port) return undefined;
  const page = async () =>
    metrics(await podText(config, { namespace, selector: "", pod: name, port }, "/metrics"));
  const before = await page();
  await wait(apart * 1000);
  const now = await page();
  return { key, namespace, pod: name, age: age(pod), now, grown: growth(before, now) };
}

/** Reads every pod that sends signals. Pods that do not answer are reported by the check of pods. */
export async function readings(context: Context): Promise<Reading[]> {
  const pods = await context.cluster.pods();
  const all = await Promise.all(pods.map((pod) => read(context, pod).catch(() => undefined)));
  return all.filter((one) => one !== undefined);
}
