import {
  bars,
  clusterVariable,
  cores,
  type Dashboard,
  metrics,
  of,
  stat,
  table,
  timeSeries,
  total,
} from "./kit";

const chosen = 'cluster=~"$cluster", namespace=~"$namespace", pod=~"$pod"';
/** Series of single containers; cAdvisor also has sums of a pod and of the node. */
const container = `${chosen}, container=~"$container", container!=""`;
/** Containers of a pod share its network; series without a pod are of the node. */
const network = `${chosen}, pod!=""`;
const each = "by (namespace, pod, container)";
const name = "{{pod}} {{container}}";
const workingSet = `sum ${each} (container_memory_working_set_bytes{${container}})`;
/** The limit is 0 for containers without one. */
const memoryLimit = `max ${each} (container_spec_memory_limit_bytes{${container}} > 0)`;
const cpu = `sum ${each} (rate(container_cpu_usage_seconds_total{${container}}[$__rate_interval]))`;
const cpuRequest = `max ${each} (kube_pod_container_resource_requests{${container}, resource="cpu"})`;

/** Containers, from cAdvisor. */
export const containers: Dashboard = {
  uid: "containers",
  title: "Containers (cAdvisor)",
  purpose:
    "For setting requests and limits, and for finding slow or killed containers: CPU, memory, disk and network of each " +
    "container, compared with its requests and limits.",
  tags: ["cluster", "cadvisor"],
  none: "No containers",
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
  numbers: [
    stat("CPU usage (sum)", cores, of(metrics, { cpu: `sum(${cpu})` }), {
      decimals: 2,
      opens: { panel: "CPU usage" },
    }),
    stat("Memory usage (sum)", "bytes", of(metrics, { memory: `sum(${workingSet})` }), {
      opens: { panel: "Memory usage (working set)" },
    }),
    stat("Max memory, % limit", "percentunit", of(metrics, { used: `max(${workingSet} / ${memoryLimit})` }), {
      thresholds: { above: [0.8, 0.95] },
      none: "No memory limits",
      opens: { panel: "Memory usage, % of limit" },
    }),
    stat("Max CPU, % request", "percentunit", of(metrics, { used: `max(${cpu} / (${cpuRequest} > 0))` }), {
      thresholds: { above: [1, 3] },
      none: "No CPU requests",
      opens: { panel: "CPU usage, % of request" },
    }),
    stat(
      "OOM-killed last",
      "short",
      of(metrics, {
        containers: `count(sum ${each} (kube_pod_container_status_last_terminated_reason{${container}, reason="OOMKilled"}) > 0) or vector(0)`,
      }),
      {
        thresholds: { above: [1] },
        opens: { panel: "OOM-killed containers" },
        description: "Containers whose last termination was an OOM kill.",
      },
    ),
    total(
      "Container restarts",
      "short",
      of(metrics, {
        restarts: `sum(increase(kube_pod_container_status_restarts_total{${container}}[$__range])) or vector(0)`,
      }),
      {
        thresholds: { above: [1, 5] },
        opens: { dashboard: "cluster-overview" },
        description: "In the time range.",
      },
    ),
  ],
  rows: [
    {
      title: "Containers",
      panels: [
        table(
          "Containers",
          of(metrics, {
            cpu,
            "cpu of request": `${cpu} / (${cpuRequest} > 0)`,
            memory: workingSet,
            "memory of limit": `${workingSet} / ${memoryLimit}`,
          }),
          {
            columns: [
              {
                field: "namespace",
                heading: "Namespace",
                opens: { uid: "applications", variable: "namespace" },
              },
              { field: "pod", heading: "Pod", width: 330 },
              { field: "container", heading: "Container" },
              { field: "Value #A", heading: "CPU usage", unit: cores },
              { field: "Value #B", heading: "CPU, % of request", unit: "percentunit" },
              { field: "Value #C", heading: "Memory usage", unit: "bytes" },
              { field: "Value #D", heading: "Memory, % of limit", unit: "percentunit" },
            ],
            sort: "CPU usage",
            decimals: 2,
            height: 10,
          },
        ),
      ],
    },
    {
      title: "CPU",
      panels: [
        timeSeries("CPU usage", cores, of(metrics, { [name]: `topk(20, ${cpu})` }), {
          min: 0,
          description: "The twenty highest.",
        }),
        timeSeries(
          "CPU usage, % of request",
          "percentunit",
          of(metrics, { [name]: `topk(20, ${cpu} / (${cpuRequest} > 0))` }),
          {
            min: 0,
            thresholds: { above: [1, 3] },
            none: "No CPU requests",
            description:
              "Far above 100 %: the container depends on unused CPU of others. Far below: the request is too high.",
          },
        ),
        timeSeries(
          "CPU throttling",
          "percentunit",
          of(metrics, {
            [name]: `sum ${each} (rate(container_cpu_cfs_throttled_periods_total{${container}}[$__rate_interval])) / (sum ${each} (rate(container_cpu_cfs_periods_total{${container}}[$__rate_interval])) > 0)`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { above: [0.25, 0.5] },
            none: "No CPU limits",
            description: "Share of periods in which the container reached its CPU limit.",
          },
        ),
      ],
    },
    {
      title: "Memory",
      panels: [
        timeSeries(
          "Memory usage (working set)",
          "bytes",
          of(metrics, { [name]: `topk(20, ${workingSet})` }),
          {
            min: 0,
            description:
              "Memory that cannot be reclaimed; the kubelet and the kernel use it for evictions and OOM kills.",
          },
        ),
        timeSeries(
          "Memory usage, % of limit",
          "percentunit",
          of(metrics, { [name]: `topk(20, ${workingSet} / ${memoryLimit})` }),
          {
            min: 0,
            max: 1,
            thresholds: { above: [0.8, 0.95] },
            none: "No memory limits",
            description: "At 100 % the container is killed.",
          },
        ),
        timeSeries(
          "Memory RSS and cache",
          "bytes",
          of(metrics, {
            [`${name} resident`]: `topk(10, sum ${each} (container_memory_rss{${container}}))`,
            [`${name} cache`]: `topk(10, sum ${each} (container_memory_cache{${container}}))`,
          }),
          { min: 0, description: "RSS grows with process memory, cache with file access." },
        ),
        bars(
          "OOM-killed containers",
          "short",
          of(metrics, {
            [name]: `sum ${each} (kube_pod_container_status_last_terminated_reason{${container}, reason="OOMKilled"}) > 0`,
          }),
          {
            width: 12,
            height: 5,
            none: "No OOM kills",
            description: "Containers whose last termination was an OOM kill.",
          },
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
            none: "No major page faults",
            description:
              "Pages read from disk again: many mean that there is too little memory for the cache.",
          },
        ),
      ],
    },
    {
      title: "Disk",
      collapsed: true,
      panels: [
        timeSeries(
          "Disk read throughput",
          "Bps",
          of(metrics, {
            [name]: `topk(10, sum ${each} (rate(container_fs_reads_bytes_total{${container}}[$__rate_interval])))`,
          }),
          { min: 0, none: "No disk metrics" },
        ),
        timeSeries(
          "Disk write throughput",
          "Bps",
          of(metrics, {
            [name]: `topk(10, sum ${each} (rate(container_fs_writes_bytes_total{${container}}[$__rate_interval])))`,
          }),
          { min: 0, none: "No disk metrics" },
        ),
        timeSeries(
          "Disk operations",
          "iops",
          of(metrics, {
            [`${name} read`]: `topk(10, sum ${each} (rate(container_fs_reads_total{${container}}[$__rate_interval])))`,
            [`${name} written`]: `topk(10, sum ${each} (rate(container_fs_writes_total{${container}}[$__rate_interval])))`,
          }),
          { min: 0, none: "No disk metrics" },
        ),
      ],
    },
    {
      title: "Network by pod",
      collapsed: true,
      panels: [
        timeSeries(
          "Network receive throughput",
          "Bps",
          of(metrics, {
            "{{pod}}": `topk(10, sum by (namespace, pod) (rate(container_network_receive_bytes_total{${network}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Network transmit throughput",
          "Bps",
          of(metrics, {
            "{{pod}}": `topk(10, sum by (namespace, pod) (rate(container_network_transmit_bytes_total{${network}}[$__rate_interval])))`,
          }),
          { min: 0 },
        ),
        timeSeries(
          "Packets dropped",
          "pps",
          of(metrics, {
            "{{pod}} in": `sum by (namespace, pod) (rate(container_network_receive_packets_dropped_total{${network}}[$__rate_interval]) + rate(container_network_receive_errors_total{${network}}[$__rate_interval])) > 0`,
            "{{pod}} out": `sum by (namespace, pod) (rate(container_network_transmit_packets_dropped_total{${network}}[$__rate_interval]) + rate(container_network_transmit_errors_total{${network}}[$__rate_interval])) > 0`,
          }),
          { min: 0, none: "No drops", description: "Dropped packets and errors." },
        ),
      ],
    },
  ],
};
