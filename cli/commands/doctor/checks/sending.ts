import type { Store } from "../../../../names";
import type { Settings } from "../../../../settings";
import { type Check, type Finding, findingIn } from "../check";
import { total } from "../metrics";
import { age, type Reading, readings, settling } from "../readings";

/** Seconds that what was sent may be behind what was collected: said, and as bad as lost. A store that restarts takes less. */
const late = { warning: 180, critical: 1800 } as const;

/** Share of the collector's queue of traces above which Tempo takes them too slowly; the alert's, AlloyQueueFilling. */
const queueFull = 0.5;

const pageOf = ({ component }: Reading): string =>
  component === "prometheus"
    ? "docs/operations/troubleshooting.md"
    : "docs/operations/runbooks/AlloyRemoteWriteErrors.md";

const finding = findingIn("signals");

/** How to see why a store refuses. An agent's stores are in another cluster. */
const gatewayLog = ({ hub }: Settings, store: Store) =>
  hub
    ? `run the doctor for ${hub.stack}, which has ${store}; if it is healthy, check that pods of this cluster reach its gateways, and run ./obs up here for current passwords`
    : `see why ${store} refuses: kubectl -n ${store} logs deploy/${store}-gateway --tail=20`;

/** Metrics on their way to Mimir: from Prometheus, Alloy and Tempo's generator, each with the same queue. */
function metricsOf(settings: Settings, one: Reading): Finding[] {
  const { namespace, pod, now, grown } = one;
  const name = (what: string) => `prometheus_remote_storage_${what}`;
  const found: Finding[] = [];
  const failed = total(grown(name("samples_failed_total"))) + total(grown(name("histograms_failed_total")));
  if (failed)
    found.push(
      finding(
        "critical",
        `Mimir refuses metrics of ${namespace}/${pod} for good: they are lost`,
        `${name("samples_failed_total")} grew by ${failed} within ${one.seconds.toFixed(0)} s`,
        gatewayLog(settings, "mimir"),
        pageOf(one),
      ),
    );
  // Each queue of Alloy has its own path; Prometheus has one without.
  const newest = [
    ...now(name("highest_timestamp_in_seconds")),
    ...now(name("queue_highest_timestamp_seconds")),
  ];
  for (const { labels, value: sent } of now(name("queue_highest_sent_timestamp_seconds"))) {
    const path = labels["component_path"];
    const collected = Math.max(
      0,
      ...newest.filter(({ labels }) => labels["component_path"] === path).map(({ value }) => value),
    );
    const behind = collected - (sent || Math.max(collected - age(one), 0));
    const severity = (["critical", "warning"] as const).find((level) => behind > late[level]);
    if (collected && severity && age(one) > settling)
      found.push(
        finding(
          severity,
          `metrics of ${namespace}/${pod}${path && path !== "/" ? ` (${path.replace("/", "")})` : ""} come to Mimir ${Math.round(behind)} s late`,
          `${name("queue_highest_sent_timestamp_seconds")} is ${Math.round(behind)} s behind; pending: ${total(now(name("samples_pending")))} samples`,
          gatewayLog(settings, "mimir"),
          one.component === "prometheus" ? pageOf(one) : "docs/operations/runbooks/AlloyBufferGrowing.md",
        ),
      );
  }
  return found;
}

/** A signal that waits in an exporter's queue on its way to a store. */
interface Queued {
  signal: "logs" | "traces";
  /** What the exporter counts. */
  records: string;
  store: "Loki" | "Tempo";
  /** Page about what is dropped. */
  page: string;
}
const logs: Queued = { signal: "logs", records: "log_records", store: "Loki", page: "LogsDropped" };
const traces: Queued = { signal: "traces", records: "spans", store: "Tempo", page: "TracesDropped" };

/** Logs or traces on their way. */
function queuedOf(settings: Settings, one: Reading, { signal, records, store, page }: Queued): Finding[] {
  const { namespace, pod, now, grown } = one;
  const found: Finding[] = [];
  const name = store.toLowerCase() as Store;
  const lost =
    total(grown(`otelcol_exporter_send_failed_${records}_total`)) +
    total(grown(`otelcol_exporter_enqueue_failed_${records}_total`));
  if (lost)
    found.push(
      finding(
        "critical",
        `${namespace}/${pod} drops ${signal}: ${store} refuses them, or the queue is full`,
        `otelcol_exporter_send_failed_${records}_total and _enqueue_failed_ grew by ${lost} within ${one.seconds.toFixed(0)} s`,
        gatewayLog(settings, name),
        `docs/operations/runbooks/${page}.md`,
      ),
    );
  const size = total(now("otelcol_exporter_queue_size"), { data_type: signal });
  const capacity = total(now("otelcol_exporter_queue_capacity"), { data_type: signal });
  if (capacity && size / capacity > queueFull)
    found.push(
      finding(
        "warning",
        `the queue of ${signal} of ${namespace}/${pod} is ${((size / capacity) * 100).toFixed(0)} % full`,
        `otelcol_exporter_queue_size is ${size} of ${capacity}`,
        `${store} accepts ${signal} more slowly than they come, or is unavailable: ${
          settings.hub
            ? gatewayLog(settings, name)
            : `raise ${name}.distributor.replicas or ${name}.ingester.replicas`
        }`,
        "docs/operations/runbooks/AlloyQueueFilling.md",
      ),
    );
  return found;
}

/** What is wrong with what a pod sends. */
export function judgeSending(settings: Settings, one: Reading): Finding[] {
  const unhealthy = one
    .now("alloy_component_controller_running_components")
    .filter(({ labels, value }) => labels["health_type"] !== "healthy" && value > 0);
  const starting = age(one) < settling;
  return [
    ...unhealthy.map(({ labels, value }) =>
      finding(
        starting ? "note" : "warning",
        `${value} components of ${one.namespace}/${one.pod} are ${labels["health_type"]}`,
        `alloy_component_controller_running_components{controller_id="${labels["controller_id"]}"}`,
        `kubectl -n ${one.namespace} logs ${one.pod} --tail=50`,
        "docs/operations/runbooks/AlloyUnhealthyComponent.md",
      ),
    ),
    ...metricsOf(settings, one),
    ...(one.key === "alloyLogs" ? queuedOf(settings, one, logs) : []),
    ...(one.key === "alloyTraces" ? queuedOf(settings, one, traces) : []),
  ];
}

/** What collectors and Prometheus send: refused, lost, or late. Late is what a WAL that grows comes from. */
export const check: Check = {
  name: "sending",
  look: async (context) => (await readings(context)).flatMap((one) => judgeSending(context.settings, one)),
};
