import { namespaces } from "../../../names";
import type { Check, Finding } from "../check";
import { total } from "../metrics";
import { age, type Reading, readings, settling } from "../readings";

/** Seconds that what was sent may be behind what was collected: said, and as bad as lost. A store that restarts takes less. */
const late = { warning: 180, critical: 1800 } as const;

/** Share of the collector's queue of traces above which Tempo takes them too slowly; the alert's, AlloyQueueFilling. */
const queueFull = 0.5;

const pageOf = ({ component }: Reading): string =>
  component === "prometheus" ? "docs/troubleshooting.md" : "docs/runbooks/AlloyRemoteWriteErrors.md";

const finding = (
  severity: Finding["severity"],
  what: string,
  evidence: string,
  fix: string,
  page: string,
): Finding => ({ severity, layer: "signals", what, evidence, fix, page });

const gatewayLog = (store: string) =>
  `see why ${store} refuses: kubectl -n ${store} logs deploy/${store}-gateway --tail=20`;

/** Metrics on their way to Mimir: from Prometheus, Alloy and Tempo's generator, each with the same queue. */
function metricsOf(one: Reading): Finding[] {
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
        gatewayLog("mimir"),
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
          gatewayLog("mimir"),
          one.component === "prometheus" ? pageOf(one) : "docs/runbooks/AlloyBufferGrowing.md",
        ),
      );
  }
  return found;
}

/** Logs on their way to Loki. */
function logsOf(one: Reading): Finding[] {
  const { namespace, pod, now, grown } = one;
  const found: Finding[] = [];
  const dropped = grown("loki_write_dropped_entries_total").filter(({ value }) => value > 0);
  for (const reason of new Set(dropped.map(({ labels }) => labels["reason"] ?? "")))
    found.push(
      finding(
        "critical",
        `${namespace}/${pod} drops logs: ${reason}`,
        `loki_write_dropped_entries_total{reason="${reason}"} grew by ${total(dropped, { reason })} within ${one.seconds.toFixed(0)} s`,
        gatewayLog("loki"),
        "docs/runbooks/LogsDropped.md",
      ),
    );
  const [written] = now("loki_write_wal_writer_last_written_timestamp");
  const [read] = now("loki_write_last_read_timestamp");
  const behind = written && read?.value ? written.value - read.value : 0;
  const severity = (["critical", "warning"] as const).find((level) => behind > late[level]);
  if (severity)
    found.push(
      finding(
        severity,
        `logs of ${namespace}/${pod} come to Loki ${Math.round(behind)} s late: its WAL grows`,
        `loki_write_last_read_timestamp is ${Math.round(behind)} s behind what was written to the WAL`,
        gatewayLog("loki"),
        "docs/runbooks/AlloyBufferGrowing.md",
      ),
    );
  return found;
}

/** Traces on their way to Tempo. */
function tracesOf(one: Reading): Finding[] {
  const { namespace, pod, now, grown } = one;
  const found: Finding[] = [];
  const lost =
    total(grown("otelcol_exporter_send_failed_spans_total")) +
    total(grown("otelcol_exporter_enqueue_failed_spans_total"));
  if (lost)
    found.push(
      finding(
        "critical",
        `${namespace}/${pod} drops traces: Tempo refuses them, or the queue is full`,
        `otelcol_exporter_send_failed_spans_total and _enqueue_failed_ grew by ${lost} within ${one.seconds.toFixed(0)} s`,
        gatewayLog("tempo"),
        "docs/runbooks/TracesDropped.md",
      ),
    );
  const size = total(now("otelcol_exporter_queue_size"), { data_type: "traces" });
  const capacity = total(now("otelcol_exporter_queue_capacity"), { data_type: "traces" });
  if (capacity && size / capacity > queueFull)
    found.push(
      finding(
        "warning",
        `the queue of traces of ${namespace}/${pod} is ${((size / capacity) * 100).toFixed(0)} % full`,
        `otelcol_exporter_queue_size is ${size} of ${capacity}`,
        "Tempo takes spans more slowly than they come: raise tempo.distributor.replicas or tempo.ingester.replicas",
        "docs/runbooks/AlloyQueueFilling.md",
      ),
    );
  return found;
}

/** What is wrong with what a pod sends. */
export function judgeSending(one: Reading): Finding[] {
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
        "docs/runbooks/AlloyUnhealthyComponent.md",
      ),
    ),
    ...metricsOf(one),
    ...(one.namespace === namespaces.alloyLogs ? logsOf(one) : []),
    ...(one.namespace === namespaces.alloyTraces ? tracesOf(one) : []),
  ];
}

/** What collectors and Prometheus send: refused, lost, or late. Late is what a WAL that grows comes from. */
export const check: Check = {
  name: "sending",
  look: async (context) => (await readings(context)).flatMap(judgeSending),
};
