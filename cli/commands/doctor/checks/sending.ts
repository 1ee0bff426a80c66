import type { Store } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Check, type Finding, findingIn } from "../check";
import { settling } from "../cluster-state";
import { type Reading, readings, total } from "../readings";

/** Delay in seconds from which on data is late, and as bad as lost. A store that restarts takes less. */
const late = { warning: 180, critical: 1800 } as const;

/** Share of a queue from which on a store accepts data too slowly; as in the alert AlloyQueueFilling. */
const queueFull = 0.5;

const finding = findingIn("signals");
const runbook = (alert: string) => `docs/operations/runbooks/${alert}.md`;

/** How to find out why a store rejects data. An agent's stores are in another cluster. */
const gatewayLog = ({ hub }: Settings, store: Store) =>
  hub
    ? `run the doctor for ${hub.stack}, which has ${store}; if it is healthy, check that pods of this cluster reach its gateways, and run ./obs up here for current passwords`
    : `read why ${store} rejects it: kubectl -n ${store} logs deploy/${store}-gateway --tail=20`;

/** Metrics on their way to Mimir. Prometheus, Alloy and Tempo's metrics-generator have the same queue. */
function metricsOf(settings: Settings, { key, namespace, pod, age, now, grown }: Reading): Finding[] {
  const storage = (name: string) => `prometheus_remote_storage_${name}`;
  const own = key === "monitoring" ? "docs/operations/troubleshooting.md" : undefined;
  const fix = gatewayLog(settings, "mimir");
  const found: Finding[] = [];
  const lost =
    total(grown(storage("samples_failed_total"))) + total(grown(storage("histograms_failed_total")));
  if (lost)
    found.push(
      finding.critical(
        `Mimir rejects metrics of ${namespace}/${pod} for good: they are lost`,
        `${storage("samples_failed_total")} grew by ${lost} between two readings`,
        fix,
        own ?? runbook("AlloyRemoteWriteErrors"),
      ),
    );
  // Each queue of Alloy has its own path; Prometheus has one without.
  const newest = [
    ...now(storage("highest_timestamp_in_seconds")),
    ...now(storage("queue_highest_timestamp_seconds")),
  ];
  for (const { labels, value: sent } of now(storage("queue_highest_sent_timestamp_seconds"))) {
    const path = labels["component_path"];
    const same = newest.filter((one) => one.labels["component_path"] === path);
    const collected = Math.max(0, ...same.map(({ value }) => value));
    const behind = Math.round(collected - (sent || collected - age));
    const severity = (["critical", "warning"] as const).find((level) => behind > late[level]);
    if (!collected || !severity || age < settling) continue;
    const queue = path && path !== "/" ? ` (${path.replace("/", "")})` : "";
    found.push(
      finding[severity](
        `metrics of ${namespace}/${pod}${queue} reach Mimir ${behind} s late`,
        `${storage("queue_highest_sent_timestamp_seconds")}; ${total(now(storage("samples_pending")))} samples are pending`,
        fix,
        own ?? runbook("AlloyBufferGrowing"),
      ),
    );
  }
  return found;
}

/** Signals in the queue of an exporter: the store that they go to, and the exporter's name for them. */
const queued = {
  alloyLogs: { signal: "logs", records: "log_records", store: "loki", page: runbook("LogsDropped") },
  alloyTraces: { signal: "traces", records: "spans", store: "tempo", page: runbook("TracesDropped") },
} as const;

/** Logs or traces on their way. */
function queuedOf(settings: Settings, { key, namespace, pod, now, grown }: Reading): Finding[] {
  if (key !== "alloyLogs" && key !== "alloyTraces") return [];
  const { signal, records, store, page } = queued[key];
  const found: Finding[] = [];
  const counters = ["send", "enqueue"].map((what) => `otelcol_exporter_${what}_failed_${records}_total`);
  const lost = counters.reduce((sum, name) => sum + total(grown(name)), 0);
  if (lost)
    found.push(
      finding.critical(
        `${namespace}/${pod} drops ${signal}: ${store} rejects them, or the queue is full`,
        `${counters.join(" and ")} grew by ${lost} between two readings`,
        gatewayLog(settings, store),
        page,
      ),
    );
  const size = total(now("otelcol_exporter_queue_size"), { data_type: signal });
  const capacity = total(now("otelcol_exporter_queue_capacity"), { data_type: signal });
  const scale = `raise ${store}.distributor.replicas or ${store}.ingester.replicas`;
  if (capacity && size / capacity > queueFull)
    found.push(
      finding.warning(
        `the queue of ${signal} of ${namespace}/${pod} is ${((size / capacity) * 100).toFixed(0)} % full`,
        `otelcol_exporter_queue_size is ${size} of ${capacity}`,
        `${store} accepts ${signal} too slowly, or is unavailable: ${settings.hub ? gatewayLog(settings, store) : scale}`,
        runbook("AlloyQueueFilling"),
      ),
    );
  return found;
}

/** What is wrong with the data that a pod sends. */
export function judgeSending(settings: Settings, one: Reading): Finding[] {
  const { namespace, pod, age, now } = one;
  const unhealthy = now("alloy_component_controller_running_components").filter(
    ({ labels, value }) => labels["health_type"] !== "healthy" && value > 0,
  );
  return [
    ...unhealthy.map(({ labels, value }) =>
      finding[age < settling ? "note" : "warning"](
        `${value} components of ${namespace}/${pod} are ${labels["health_type"]}`,
        `alloy_component_controller_running_components{controller_id="${labels["controller_id"]}"}`,
        `kubectl -n ${namespace} logs ${pod} --tail=50`,
        runbook("AlloyUnhealthyComponent"),
      ),
    ),
    ...metricsOf(settings, one),
    ...queuedOf(settings, one),
  ];
}

/** Data that collectors and Prometheus send: rejected, lost, or late. */
export const check: Check = {
  name: "sending",
  look: async (context) => (await readings(context)).flatMap((one) => judgeSending(context.settings, one)),
};
