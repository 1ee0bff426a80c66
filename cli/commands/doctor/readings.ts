/**
 * What the stack's pods tell of themselves, read from each pod through a port-forward: Mimir, Prometheus or Grafana may
 * be what is ill. Two readings, seconds apart, say what happens now; Prometheus' past would go on to accuse what is mended.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { V1Pod } from "@kubernetes/client-node";
import {
  certificates,
  defaultNamespaces,
  type NamespaceKey,
  namespaceKey,
  type Served,
} from "../../../names";
import type { Settings } from "../../../settings";
import { ask } from "../../lib/service";
import type { HttpAnswer } from "../../lib/tunnel";
import type { Context } from "./check";
import { growth, type Metrics, metrics } from "./metrics";

/** Seconds between the two readings: what is sent every 5 s or sooner, as Prometheus and Alloy do, has happened once. */
const apart = 5;

/** Seconds in which a pod has to answer. */
const answerWithin = 10;

/** Seconds after the start of a pod in which it may still be getting ready: a WAL is replayed, rings are joined. */
export const settling = 180;

/** A pod that tells of itself. */
export interface Talker {
  key: NamespaceKey;
  namespace: string;
  pod: string;
  /** What it is: "loki-ingester", "alloy-logs", "prometheus". */
  component: string;
  /** Port of its HTTP server. */
  port: number;
  address: string;
  /** Since when its container runs, in milliseconds. */
  started: number;
  /** Whether Kubernetes takes it for ready. */
  ready: boolean;
  paths: { ready: string; metrics?: string };
}

/** Ports and paths, by namespace or by the pods' name label in it. */
const talks: Partial<
  Record<NamespaceKey, Record<string, { port: number; ready: string; metrics?: string }>>
> = {
  loki: { "": { port: 3100, ready: "/ready", metrics: "/metrics" } },
  mimir: { "": { port: 8080, ready: "/ready", metrics: "/metrics" } },
  tempo: { "": { port: 3200, ready: "/ready", metrics: "/metrics" } },
  alloyLogs: { "": { port: 12345, ready: "/-/ready", metrics: "/metrics" } },
  alloyMetrics: { "": { port: 12345, ready: "/-/ready", metrics: "/metrics" } },
  alloyTraces: { "": { port: 12345, ready: "/-/ready", metrics: "/metrics" } },
  grafana: { "": { port: 3000, ready: "/api/health" } },
  minio: { "": { port: 9000, ready: "/minio/health/ready" } },
  monitoring: {
    prometheus: { port: 9090, ready: "/-/ready", metrics: "/metrics" },
    alertmanager: { port: 9093, ready: "/-/ready", metrics: "/metrics" },
  },
};

/** A pod as one that tells of itself; nothing where it does not run, or is one of those that do not: gateways, caches, jobs. */
export function talker(settings: Settings, pod: V1Pod): Talker | undefined {
  const { name = "", namespace = "", labels = {}, deletionTimestamp } = pod.metadata ?? {};
  const own = labels["app.kubernetes.io/name"] ?? "";
  const key = namespaceKey(settings, namespace);
  const talk = key && (talks[key]?.[own] ?? talks[key]?.[""]);
  const component = labels["app.kubernetes.io/component"];
  if (!talk || component === "gateway" || deletionTimestamp) return undefined;
  const container = pod.spec?.containers.find(({ ports }) =>
    ports?.some(({ containerPort }) => containerPort === talk.port),
  );
  const status = pod.status?.containerStatuses?.find((one) => one.name === container?.name);
  const { startedAt } = status?.state?.running ?? {};
  if (!startedAt) return undefined;
  return {
    key,
    namespace,
    pod: name,
    component: component
      ? `${defaultNamespaces[key]}-${component}`
      : key === "monitoring"
        ? own
        : defaultNamespaces[key],
    port: talk.port,
    address: pod.status?.podIP ?? "",
    started: new Date(startedAt).getTime(),
    ready: pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
    paths: { ready: talk.ready, ...(talk.metrics && { metrics: talk.metrics }) },
  };
}

/** Those of the stack's pods that tell of themselves. */
export const talkers = async ({ cluster, settings }: Context): Promise<Talker[]> =>
  (await cluster.pods()).flatMap((pod) => talker(settings, pod) ?? []);

/** Seconds since a pod's start. */
export const age = ({ started }: Pick<Talker, "started">, now = Date.now()): number => (now - started) / 1000;

/** Asks a pod; every HTTP status is an answer. @throws where none comes */
export const askPod = (
  { config }: Context,
  { key, namespace, pod, port }: Talker,
  path: string,
  headers: Record<string, string> = {},
): Promise<HttpAnswer> =>
  ask(
    config,
    { namespace, name: "", port, ...(key in certificates && { served: key as Served }) },
    // Pages of rings are HTML to others.
    {
      pod,
      path,
      within: answerWithin,
      headers: { accept: "application/json, */*;q=0.1", ...headers },
    },
  );

/** What a pod told. */
export interface Reading extends Talker {
  /** The last reading. */
  now: Metrics;
  /** How much its counters grew between the two. */
  grown: Metrics;
  /** Seconds between the two. */
  seconds: number;
}

const known = new WeakMap<object, Promise<Reading[]>>();

async function page(context: Context, talker: Talker): Promise<{ at: number; page: Metrics } | undefined> {
  const answer = await askPod(context, talker, talker.paths.metrics ?? "").catch(() => undefined);
  return answer?.status === 200 ? { at: Date.now(), page: metrics(answer.body) } : undefined;
}

/** Components whose metrics no check asks for. */
const unread = /-(querier|query-frontend|query-scheduler|store-gateway)$/;

/** Reads the metrics of pods twice, once for all checks. Pods that give none are not there: `ready` tells of them. */
export function readings(context: Context): Promise<Reading[]> {
  const found = known.get(context.cluster);
  if (found) return found;
  const reading = (async () => {
    const all = (await talkers(context)).filter(
      ({ component, paths }) => paths.metrics && !unread.test(component),
    );
    const read = await Promise.all(
      all.map(async (talker) => {
        const first = await page(context, talker);
        if (!first) return [];
        await wait(apart * 1000);
        const second = await page(context, talker);
        if (!second) return [];
        return [
          {
            ...talker,
            now: second.page,
            grown: growth(first.page, second.page),
            seconds: (second.at - first.at) / 1000,
          },
        ];
      }),
    );
    return read.flat();
  })();
  known.set(context.cluster, reading);
  return reading;
}
