import type { NamespaceKey, Store } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Check, type Finding, findingIn } from "../check";
import { settling } from "../cluster-state";
import { type Reading, readings, total } from "../readings";

/** Delay in seconds from which on data is late, and as bad as lost. A store that restarts takes less. */
const late = { warning: 180, critical: 1800 } as const;

/** Share of a queue from which on a store accepts data too slowly; as in the alert AlloyQueueFilling. */
const queueFull = 0.5;

const finding = findingIn("signals");
/** The page about an alert. Alerts of Prometheus itself are those of kube-prometheus-stack. */
const runbook = (key: NamespaceKey, alert: string) =>
  key === "monitoring" ? "docs/operations/troubleshooting.md" : `docs/operations/runbooks/${alert}.md`;

/** How to find out why a store rejects data. An agent's stores are in another cluster. */
const gatewayLog = ({ hub }: Settings, store: Store) =>
  hub
    ? `run the doctor for ${hub.stack}, which has ${store}; if it is healthy, check that pods of this cluster reach its gateways, and run ./obs up here for current passwords`
    : `read why ${store} rejects it: kubectl -n ${store} logs deploy/${store}-gateway --tail=20`;

/** Data that a store never gets: the counters of it, and the runbook. */
interface Loss {
  store: Store;
  what(pod: string): string;
  counters: string[];
  alert: string;
}

const exported = (signal: string, records: string, store: Store, alert: string): Loss => ({
  store,
  what: (pod) => `${pod} drops ${signal}: ${store} rejects them, or the queue is full`,
  counters: ["send", "enqueue"].map((what) => `otelcol_exporter_${what}_failed_${records}_total`),
  alert,
});

const losses: Loss[] = [
  {
    store: "mimir",
    what: (pod) => `Mimir rejects metrics of ${pod} for good: they are lost`,
    counters: ["samples", "histograms"].map((kind) => `prometheus_remote_storage_${kind}_failed_total`),
    alert: "AlloyRemoteWriteErrors",
  },
  exported("logs", "log_records", "loki", "LogsDropped"),
  exported("OTLP metrics", "metric_points", "mimir", "MetricsDropped"),
  exported("traces", "spans", "tempo", "TracesDropped"),
];

/** The stores of the signals in the queues of exporters. */
const queues = { logs: "loki", metrics: "mimir", traces: "tempo" } as const;

/** Metrics that wait for Mimir. Prometheus, Alloy and Tempo's metrics-generator have the same queue. */
function lateness(settings: Settings, { key, namespace, pod, age, now }: Reading): Finding[] {
  const storage = (name: string) => now(`prometheus_remote_storage_${name}`);
  // Each queue of Alloy has its own path; Prometheus has one without.
  const newest = [...storage("highest_timestamp_in_seconds"), ...storage("queue_highest_timestamp_seconds")];
  return storage("queue_highest_sent_timestamp_seconds").flatMap(({ labels, value: sent }) => {
    const path = labels["component_path"];
    const same = newest.filter((one) => one.labels["component_path"] === path);
    const collected = Math.max(0, ...same.map(({ value }) => value));
    const behind = Math.round(collected - (sent || collected - age));
    const severity = (["critical", "warning"] as const).find((level) => behind > late[level]);
    if (!collected || !severity || age < settling) return [];
    const queue = path && path !== "/" ? ` (${path.replace("/", "")})` : "";
    return [
      finding[severity](
        `metrics of ${namespace}/${pod}${queue} reach Mimir ${behind} s late`,
        `prometheus_remote_storage_queue_highest_sent_timestamp_seconds; ${total(storage("samples_pending"))} samples are pending`,
        gatewayLog(settings, "mimir"),
        runbook(key, "AlloyBufferGrowing"),
      ),
    ];
  });
}

/** What is wrong with the data that a pod sends. */
export function judgeSending(settings: Settings, one: Reading): Finding[] {
  const { key, namespace, pod, age, now, grown } = one;
  const unhealthy = now("alloy_component_controller_running_components")
    .filter(({ labels, value }) => labels["health_type"] !== "healthy" && value > 0)
    .map(({ labels, value }) =>
      finding[age < settling ? "note" : "warning"](
        `${value} components of ${namespace}/${pod} are ${labels["health_type"]}`,
        `alloy_component_controller_running_components{controller_id="${labels["controller_id"]}"}`,
        `kubectl -n ${namespace} logs ${pod} --tail=50`,
        runbook(key, "AlloyUnhealthyComponent"),
      ),
    );
  const lost = losses.flatMap(({ store, what, counters, alert }) => {
    const count = counters.reduce((sum, name) => sum + total(grown(name)), 0);
    const evidence = `${counters.join(" and ")} grew by ${count} between two readings`;
    const fix = gatewayLog(settings, store);
    return count ? [finding.critical(what(`${namespace}/${pod}`), evidence, fix, runbook(key, alert))] : [];
  });
  const full = Object.entries(queues).flatMap(([signal, store]) => {
    const size = total(now("otelcol_exporter_queue_size"), { data_type: signal });
    const capacity = total(now("otelcol_exporter_queue_capacity"), { data_type: signal });
    if (!capacity || size / capacity <= queueFull) return [];
    const scale = `raise ${store}.distributor.replicas or ${store}.ingester.replicas`;
    return [
      finding.warning(
        `the queue of ${signal} of ${namespace}/${pod} is ${((size / capacity) * 100).toFixed(0)} % full`,
        `otelcol_exporter_queue_size is ${size} of ${capacity}`,
        `${store} accepts ${signal} too slowly, or is unavailable: ${settings.hub ? gatewayLog(settings, store) : scale}`,
        runbook(key, "AlloyQueueFilling"),
      ),
    ];
  });
  return [...unhealthy, ...lost, ...lateness(settings, one), ...full];
}

/** Data that collectors and Prometheus send: rejected, lost, or late. */
export const check: Check = {
  name: "sending",
  look: async (context) => (await readings(context)).flatMap((one) => judgeSending(context.settings, one)),
};
