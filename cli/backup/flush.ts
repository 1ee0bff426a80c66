/** What the ingesters have in memory and on their own volumes, brought into the buckets. */
import { setTimeout as wait } from "node:timers/promises";
import { CoreV1Api, type KubeConfig } from "@kubernetes/client-node";
import { podsOf } from "../../components/port-forward";
import { type Consumer, consumers, namespaces } from "../../names";
import { bodyOf } from "../service";

/** Seconds that an ingester may take to write all that it has. */
const limit = 1200;

/** How the ingesters of a store are flushed. */
interface Flush {
  port: number;
  path: string;
  /** Metric of what waits to be written; 0 means nothing. */
  waiting?: string;
  /** Metric that counts what was written; it stands still when all is. */
  written?: string;
  /** Seconds for which it has to stand still. */
  quiet?: number;
}

/**
 * Loki: https://grafana.com/docs/loki/latest/reference/loki-http-api/#flush-in-memory-chunks-to-backing-store
 * Mimir: https://grafana.com/docs/mimir/latest/references/http-api/#flush-chunks--blocks, which answers when it has done it
 * Tempo: https://grafana.com/docs/tempo/latest/api_docs/#flush; a block is written up to half a minute after it was cut
 */
export const flushes: Record<Consumer, Flush> = {
  loki: {
    port: 3100,
    path: "/flush",
    waiting: "loki_ingester_flush_queue_length",
    written: "loki_ingester_chunks_flushed_total",
    quiet: 10,
  },
  mimir: { port: 8080, path: "/ingester/flush?wait=true" },
  tempo: {
    port: 3200,
    path: "/flush",
    waiting: "tempo_ingester_flush_queue_length",
    written: "tempo_ingester_blocks_flushed_total",
    quiet: 45,
  },
};

const selector = "app.kubernetes.io/component=ingester";

/** The sum of a metric over its labels, in the text form of Prometheus; 0 where there is none. */
export const sumOfMetric = (text: string, metric: string): number =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`))
    .reduce((sum, line) => sum + Number(line.trim().split(" ").at(-1)), 0);

/** Names of a store's ingesters that run. @throws when one does not: what it holds would not be in the backup */
async function ingesters(config: KubeConfig, store: Consumer): Promise<string[]> {
  const pods = await podsOf(config, { namespace: namespaces[store], selector });
  const down = pods.filter(({ status }) => status?.phase !== "Running");
  if (down.length || pods.length === 0)
    throw new Error(
      `${pods.length ? down.map(({ metadata }) => metadata?.name).join(", ") : `no ingester of ${store}`} runs, so what it holds cannot be flushed`,
    );
  return pods.map(({ metadata }) => metadata?.name ?? "");
}

/** Waits until an ingester has written what it was told to. @throws when it has not in time */
async function written(metrics: () => Promise<string>, pod: string, { waiting, written, quiet }: Flush) {
  if (!waiting || !written || !quiet) return;
  const deadline = Date.now() + limit * 1000;
  let last = -1;
  let since = Date.now();
  for (;;) {
    const text = await metrics();
    const count = sumOfMetric(text, written);
    if (count !== last || sumOfMetric(text, waiting) > 0) since = Date.now();
    last = count;
    if (Date.now() - since >= quiet * 1000) return;
    if (Date.now() > deadline) throw new Error(`${pod} was not done with its flush after ${limit} s`);
    await wait(2000);
  }
}

/** Flushes all ingesters of a store, and waits until they have. @returns how many there are */
export async function flush(config: KubeConfig, store: Consumer): Promise<number> {
  const how = flushes[store];
  const pods = await ingesters(config, store);
  await Promise.all(
    pods.map(async (pod) => {
      const service = { namespace: namespaces[store], name: pod, port: how.port };
      await bodyOf(config, service, { pod, method: "POST", path: how.path, within: limit });
      await written(() => bodyOf(config, service, { pod, path: "/metrics" }), pod, how);
    }),
  );
  return pods.length;
}

/**
 * Restarts Loki's ingesters one after the other. Only one that ends writes its whole index: while it runs it keeps
 * the files of the last quarter hours to itself, and chunks without index are not found.
 */
async function restartLoki(config: KubeConfig): Promise<void> {
  const api = config.makeApiClient(CoreV1Api);
  const namespace = namespaces.loki;
  for (const name of await ingesters(config, "loki")) {
    const { metadata } = await api.readNamespacedPod({ name, namespace });
    await api.deleteNamespacedPod({ name, namespace });
    const deadline = Date.now() + limit * 1000;
    for (;;) {
      const pod = await api.readNamespacedPod({ name, namespace }).catch(() => undefined);
      const ready = pod?.status?.conditions?.some(
        ({ type, status }) => type === "Ready" && status === "True",
      );
      if (ready && pod?.metadata?.uid !== metadata?.uid) break;
      if (Date.now() > deadline) throw new Error(`${name} was not ready again after ${limit} s`);
      await wait(2000);
    }
  }
}

/** Flushes every store, and says so. @param restart whether Loki's ingesters are restarted as well */
export async function flushAll(config: KubeConfig, restart: boolean): Promise<void> {
  for (const store of consumers) {
    const pods = await flush(config, store);
    console.error(`  ${store}: ${pods} ${pods === 1 ? "ingester" : "ingesters"} flushed`);
  }
  if (!restart) return;
  await restartLoki(config);
  console.error("  loki: ingesters restarted, their index is in the bucket");
}
