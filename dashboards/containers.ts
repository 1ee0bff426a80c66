import { bars, clusterVariable, type Dashboard, metrics, of, table, timeSeries } from "./kit";

const chosen = 'cluster=~"$cluster", namespace=~"$namespace", pod=~"$pod"';
/** Of cAdvisor's series those of single containers; others are sums of a pod or of the whole node. */
const container = `${chosen}, container=~"$container", container!=""`;
/** Containers of a pod share its network; what has no pod is the node's. */
const network = `${chosen}, pod!=""`;
const each = "by (namespace, pod, container)";
const name = "{{pod}} {{container}}";
const workingSet = `sum ${each} (container_memory_working_set_bytes{${container}})`;
/** Those without a limit have 0 here. */
const memoryLimit = `max ${each} (container_spec_memory_limit_bytes{${container}} > 0)`;
const cpu = `sum ${each} (rate(container_cpu_usage_seconds_total{${container}}[$__rate_interval]))`;
const cpuRequest = `max ${each} (kube_pod_container_resource_requests{${container}, resource="cpu"})`;

/** What cAdvisor measures of containers. */
export const containers: Dashboard = {
  uid: "containers",
  title: "Containers (cAdvisor)",
  purpose:
    "For whoever sets requests and limits, or looks for the container that is slow or killed: what does each take of CPU, " +
    "memory, disk and network, and how near is it to its limit?",
  tags: ["cluster", "cadvisor"],
  sources: [metrics],
  variables: [
    clusterVariable(metrics),
    {
      name: "namespace",
      label: "Namespace",
      source: metrics,
      series: 'container_memory_working_set_bytes{cluster=~"$cluster", container!=""}',
    },
    {
      name: "pod",
      label: "Pod",
      source: metrics,
      series:
        'container_memory_working_set_bytes{cluster=~"$cluster", namespace=~"$namespace", container!=""}',
    },
    {
      name: "container",
      label: "Container",
      source: metrics,
      series: `container_memory_working_set_bytes{${chosen}, container!=""}`,
    },
  ],
  next: { "cluster-overview": "Cluster overview", "random-namespaces": "Namespaces Random" },
  runbooks: [],
  rows: [
    {
      title: "Now",
      panels: [
        table(
          "Containers",
          of(metrics, {
            cpu,
            "cpu of request": `${cpu} / ${cpuRequest}`,
            memory: workingSet,
            "memory of limit": `${workingSet} / ${memoryLimit}`,
          }),
          {
            columns: [
              {
                field: "namespace",
                heading: "Namespace",
                opens: { uid: "random-namespaces", variable: "namespace" },
              },
              { field: "pod", heading: "Pod" },
              { field: "container", heading: "Container" },
              { field: "Value #A", heading: "CPU (cores)", unit: "none" },
              { field: "Value #B", heading: "CPU of its request", unit: "percentunit" },
              { field: "Value #C", heading: "Memory", unit: "bytes" },
              { field: "Value #D", heading: "Memory of its limit", unit: "percentunit" },
            ],
            decimals: 2,
            height: 10,
          },
        ),
      ],
    },
    {
      title: "CPU",
      panels: [
        timeSeries("CPU", "none", of(metrics, { [name]: `topk(20, ${cpu})` }), {
          min: 0,
          description: "In cores; the twenty that take most.",
        }),
        timeSeries(
          "CPU of what it requested",
          "percentunit",
          of(metrics, { [name]: `topk(20, ${cpu} / ${cpuRequest})` }),
          {
            min: 0,
            thresholds: { yellow: 1, red: 3 },
            description:
              "Far above 100 % it lives on what others leave, and slows down when they want it. Far below, others could have it.",
          },
        ),
        timeSeries(
          "Throttled",
          "percentunit",
          of(metrics, {
            [name]: `sum ${each} (rate(container_cpu_cfs_throttled_periods_total{${container}}[$__rate_interval])) / sum ${each} (rate(container_cpu_cfs_periods_total{${container}}[$__rate_interval]))`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { yellow: 0.25, red: 0.5 },
            description:
              "Share of periods in which it was held at its CPU limit. Containers without such a limit have none.",
          },
        ),
      ],
    },
    {
      title: "Memory",
      panels: [
        timeSeries("Working set", "bytes", of(metrics, { [name]: `topk(20, ${workingSet})` }), {
          min: 0,
          description: "What cannot be taken back; the kubelet and the kernel go by it.",
        }),
        timeSeries(
          "Working set of its limit",
          "percentunit",
          of(metrics, { [name]: `topk(20, ${workingSet} / ${memoryLimit})` }),
          {
            min: 0,
            max: 1,
            thresholds: { yellow: 0.8, red: 0.95 },
            description: "At 100 % it is killed.",
          },
        ),
        timeSeries(
          "Without cache, and with",
          "bytes",
          of(metrics, {
            [`${name} resident`]: `topk(10, sum ${each} (container_memory_rss{${container}}))`,
            [`${name} cache`]: `topk(10, sum ${each} (container_memory_cache{${container}}))`,
          }),
          {
            min: 0,
            description:
              "Resident memory grows with what the process holds, cache with the files that it touches.",
          },
        ),
        bars(
          "Killed for want of memory",
          "short",
          of(metrics, {
            [name]: `sum ${each} (kube_pod_container_status_last_terminated_reason{${container}, reason="OOMKilled"}) > 0`,
          }),
          { width: 12, height: 5, description: "Containers whose last end it was." },
        ),
        timeSeries(
          "Major page faults",
          "ops",
          of(metrics, {
            [name]: `topk(10, sum ${each} (rate(container_memory_failures_total{${container}, failure_type="pgmajfault", scope="container"}[$__rate_interval])) > 0)`,
          }),
          {
            width: 12,
            height: 5,
            min: 0,
            description:
              "Pages that had to be read from disk again: many of them mean that memory is too short for the cache.",
          },
        ),
      ],
    },
    {
      title: "Disk",
      panels: [
        timeSeries(
          "Bytes read",
          "Bps",
          of(metrics, {
            [name]: `topk(10, sum ${each} (rate(container_fs_reads_bytes_total{${container}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Bytes written",
          "Bps",
          of(metrics, {
            [name]: `topk(10, sum ${each} (rate(container_fs_writes_bytes_total{${container}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Operations",
          "iops",
          of(metrics, {
            [`${name} read`]: `topk(10, sum ${each} (rate(container_fs_reads_total{${container}}[$__rate_interval])))`,
            [`${name} written`]: `topk(10, sum ${each} (rate(container_fs_writes_total{${container}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
      ],
    },
    {
      title: "Network, of a pod's containers together",
      panels: [
        timeSeries(
          "Received",
          "Bps",
          of(metrics, {
            "{{pod}}": `topk(10, sum by (namespace, pod) (rate(container_network_receive_bytes_total{${network}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Sent",
          "Bps",
          of(metrics, {
            "{{pod}}": `topk(10, sum by (namespace, pod) (rate(container_network_transmit_bytes_total{${network}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Packets lost",
          "pps",
          of(metrics, {
            "{{pod}} in": `sum by (namespace, pod) (rate(container_network_receive_packets_dropped_total{${network}}[$__rate_interval]) + rate(container_network_receive_errors_total{${network}}[$__rate_interval])) > 0`,
            "{{pod}} out": `sum by (namespace, pod) (rate(container_network_transmit_packets_dropped_total{${network}}[$__rate_interval]) + rate(container_network_transmit_errors_total{${network}}[$__rate_interval])) > 0`,
          }),
          { min: 0, description: "Dropped or damaged; empty when none is." },
        ),
      ],
    },
  ],
};
