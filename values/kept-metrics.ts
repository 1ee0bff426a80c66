/**
 * Series that are dropped before they are stored: one decision by name for every target, in the same form for Alloy and
 * Prometheus. `kept-metrics.json` has the names that rules, dashboards, commands and pages of this stack use; `npm run
 * generate:metrics` writes it.
 */
import type { Settings } from "../settings";
import read from "./kept-metrics.json";
import { anyOf, type Values } from "./shared";

/**
 * Expensive series that no rule or dashboard of kube-prometheus-stack or of the community uses. Shares are of one
 * target's series: an API server 1.34 after the monitor's own rules, its etcd, and kube-state-metrics, with this
 * stack's objects. Sums and counts of the histograms are kept, so averages still work.
 */
export const expensive = [
  // Latency of the API server's requests to etcd, by resource and operation: 12 % of an API server.
  "etcd_request_duration_seconds_bucket",
  // Size of request bodies, by resource and verb: 10 % of an API server.
  "apiserver_request_body_size_bytes_bucket",
  // Size of responses, by resource and verb: 7 % of an API server.
  "apiserver_response_sizes_bucket",
  // Reads that wait for the watch cache, by resource: 6 % of an API server.
  "apiserver_watch_cache_read_wait_seconds_bucket",
  // Lists that are sent as a watch, by resource: 3 % of an API server.
  "apiserver_watch_list_duration_seconds_bucket",
  // Size of watch events, by resource: 2 % of an API server.
  "apiserver_watch_events_sizes_bucket",
  // Admission by built-in controllers: 2 % of an API server. Admission by webhooks is kept.
  "apiserver_admission_controller_admission_duration_seconds_bucket",
  // Utilization samples of priority and fairness: 3 % of an API server. Its waiting and execution times are kept.
  "apiserver_flowcontrol_(demand_seats|priority_level_request_utilization|priority_level_seat_utilization|read_vs_write_current_requests|watch_count_samples)_bucket",
  // Feature gates, the same on all members: 1 % of an API server; kubelets and others repeat them (not measured).
  "kubernetes_feature_enabled",
  // Requests to the kubelet's own API, by path: not measured.
  "kubelet_http_requests_duration_seconds_bucket",
  // Duration of probes, by container and probe: not measured; it grows with the pods of a node. Results are kept.
  "prober_probe_duration_seconds_bucket",
  // Metrics that etcd classifies as debugging: 10 % of a member.
  "etcd_debugging_.+_bucket",
  // Tolerations of each pod: 2 % of kube-state-metrics with two per pod.
  "kube_pod_tolerations",
];

/** Components to which `used` applies, by the first word of their metrics. Metrics of all others are kept. */
const components = [
  "aggregator",
  "alertmanager",
  "alloy",
  "apiextensions",
  "apiserver",
  "container",
  "coredns",
  "cortex",
  "etcd",
  "grafana",
  "kube",
  "kubelet",
  "kubernetes",
  "loki",
  "machine",
  "minio",
  "node",
  "otelcol",
  "prober",
  "prometheus",
  "rest_client",
  "storage_operation",
  "tempo",
  "tempodb",
  "volume",
  "watch_cache",
  "workqueue",
];

/** Regular expressions of names: metrics that are always kept, and other metrics that are dropped. */
export function metricNames({ metrics, kubePrometheusStack: kps }: Settings): {
  kept: string;
  dropped: string;
} {
  const { infrastructure, also, drop } = metrics;
  const { labels, annotations } = kps.kubeStateMetrics;
  const unread = `(${components.join("|")})_.+`;
  const chosen = [
    ...(labels.length ? ["kube_.+_labels"] : []),
    ...(annotations.length ? ["kube_.+_annotations"] : []),
  ];
  const kept = infrastructure === "used" ? [...read, ...chosen, ...also] : also;
  const dropped = { all: [], standard: expensive, used: [unread] }[infrastructure];
  return { kept: kept.join("|") || anyOf([]), dropped: [...dropped, ...drop].join("|") || anyOf([]) };
}

/** The relabeling rules for every scrape of Prometheus; values/alloy/metrics/scrape.alloy has the same for Alloy. */
export function scrapeClasses(settings: Settings): Values[] {
  const { kept, dropped } = metricNames(settings);
  return [
    {
      name: "kept",
      default: true,
      // Alloy's default, for targets that send no Content-Type.
      fallbackScrapeProtocol: "PrometheusText0.0.4",
      metricRelabelings: [
        // Relabeling has no "unless": a temporary label marks kept series.
        { sourceLabels: ["__name__"], regex: kept, targetLabel: "__tmp_kept", replacement: "yes" },
        { sourceLabels: ["__tmp_kept", "__name__"], regex: `;(${dropped})`, action: "drop" },
        { regex: "__tmp_kept", action: "labeldrop" },
      ],
    },
  ];
}
