import { defaultNamespaces as namespaces } from "../names";
import {
  bars,
  clusterVariable,
  cores,
  type Dashboard,
  inCluster,
  metrics,
  of,
  rate,
  sampleAge,
  samplesPerSecond,
  spansPerSecond,
  stat,
  table,
  timeSeries,
  watcher,
  within,
} from "./kit";

const loki = within(namespaces.loki);
const mimir = within(namespaces.mimir);
const tempo = within(namespaces.tempo);
/** Mimir labels a tenant `user`, Loki and Tempo label it `tenant`. */
const byTenant = (expr: string) => `label_replace(${expr}, "tenant", "$1", "user", "(.+)")`;
const activeSeries = byTenant(
  `sum by (user) (cortex_ingester_active_series{${mimir}}) / scalar(max(cortex_distributor_replication_factor{${mimir}}))`,
);
const samples = byTenant(rate(`cortex_distributor_received_samples_total{${mimir}}`, "user"));
const bytes = rate(`loki_distributor_bytes_received_total{${loki}}`, "tenant");
const spans = rate(`tempo_distributor_spans_received_total{${tempo}}`, "tenant");

/** Clusters: the data that each agent sends, and the resources to store it. */
export const clusters: Dashboard = {
  uid: "clusters",
  title: "Clusters",
  purpose:
    "Does every cluster send its signals, and how much of them? An agent has one tenant with the name of its " +
    "cluster; this cluster has the tenants pods, nodes, prometheus, logs and traces.",
  tags: ["cost"],
  none: "No tenants",
  sources: [watcher, metrics],
  variables: [clusterVariable(watcher)],
  from: "now-6h",
  numbers: [
    stat("Clusters", "short", of(metrics, { clusters: `count(count by (cluster) (up{${inCluster}}))` }), {
      width: 6,
      description: "With series in Mimir.",
      opens: { panel: "CPU requests by cluster" },
    }),
    stat("Agents", "short", of(watcher, { agents: `count(observability:agent:listed{${inCluster}})` }), {
      width: 6,
      none: "No agents",
      description: "Clusters in the setting agents.",
      opens: { panel: "Tenants" },
    }),
    stat(
      "Oldest last sample",
      "s",
      of(watcher, {
        age: sampleAge(mimir),
      }),
      {
        width: 6,
        thresholds: { above: [300, 600] },
        runbook: "AgentNotSending",
        description: "Time since the newest sample of the tenant that is furthest behind.",
        opens: { panel: "Tenants" },
      },
    ),
    stat("Active series", "short", of(watcher, { series: `sum(${activeSeries})` }), {
      width: 6,
      description: "Of all tenants, without replicas.",
      opens: { panel: "Active series by tenant" },
    }),
  ],
  rows: [
    {
      title: "Ingestion",
      panels: [
        table(
          "Tenants",
          of(watcher, {
            "Last sample": byTenant(
              `time() - max by (user) (cortex_distributor_latest_seen_sample_timestamp_seconds{${mimir}})`,
            ),
            series: activeSeries,
            samples,
            logs: bytes,
            spans,
          }),
          {
            columns: [
              { field: "tenant", heading: "Tenant" },
              { field: "Value #A", heading: "Last sample", unit: "s" },
              { field: "Value #B", heading: "Active series", unit: "short" },
              { field: "Value #C", heading: "Samples", unit: samplesPerSecond },
              { field: "Value #D", heading: "Logs", unit: "Bps" },
              { field: "Value #E", heading: "Spans", unit: spansPerSecond },
            ],
            description: "An agent's tenant has the name of its cluster.",
            height: 9,
          },
        ),
        timeSeries("Sample rate by tenant", samplesPerSecond, of(watcher, { "{{tenant}}": samples }), {
          width: 12,
        }),
        timeSeries("Log throughput by tenant", "Bps", of(watcher, { "{{tenant}}": bytes }), { width: 12 }),
        timeSeries("Span rate by tenant", spansPerSecond, of(watcher, { "{{tenant}}": spans }), {
          width: 12,
          none: "No traces",
        }),
        timeSeries(
          "Discarded by tenant",
          "short",
          of(watcher, {
            "{{user}} samples/s": `${rate(`cortex_discarded_samples_total{${mimir}}`, "user")} > 0`,
            "{{tenant}} lines/s": `${rate(`loki_discarded_samples_total{${loki}}`, "tenant")} > 0`,
            "{{tenant}} spans/s": `${rate(`tempo_discarded_spans_total{${tempo}}`, "tenant")} > 0`,
          }),
          {
            width: 12,
            none: "Nothing discarded",
            description: "Rejected by limits of the tenant, or invalid.",
          },
        ),
      ],
    },
    {
      title: "Cost",
      panels: [
        bars("Active series by tenant", "short", of(watcher, { "{{tenant}}": activeSeries }), {
          description: "Without replicas.",
        }),
        bars(
          "CPU requests by cluster",
          cores,
          of(metrics, {
            "{{cluster}}": `sum by (cluster) (kube_pod_container_resource_requests{${inCluster}, resource="cpu"})`,
          }),
          { none: "No pods with requests", description: "Of all pods." },
        ),
        bars(
          "Memory requests by cluster",
          "bytes",
          of(metrics, {
            "{{cluster}}": `sum by (cluster) (kube_pod_container_resource_requests{${inCluster}, resource="memory"})`,
          }),
          { none: "No pods with requests", description: "Of all pods." },
        ),
      ],
    },
  ],
};
