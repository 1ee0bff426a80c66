import { logJobs } from "../names";
import {
  bars,
  clusterVariable,
  cores,
  type Dashboard,
  logLines,
  logs,
  metrics,
  of,
  stat,
  table,
  timeSeries,
} from "./kit";

const cluster = 'cluster=~"$cluster"';
/** The containers with the most restarts in the time range. */
const restarted = `topk(20, sum by (namespace, pod, container) (increase(kube_pod_container_status_restarts_total{${cluster}}[$__range])) > 0)`;
/** External network interfaces of nodes; the others count the same bytes again. */
const wire = 'device!~"lo|veth.*|cali.*|cilium.*|cni.*|flannel.*|docker.*"';
/** File systems that can fill up: neither memory nor read-only images. */
const disk = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|erofs"';
/** Pods that hold their requested resources; finished pods do not. */
const held = (series: string) =>
  `${series} * on (cluster, namespace, pod) group_left () max by (cluster, namespace, pod) (kube_pod_status_phase{${cluster}, phase=~"Pending|Running"})`;
const requests = (resource: string) =>
  held(`kube_pod_container_resource_requests{${cluster}, resource="${resource}"}`);
const limits = (resource: string) =>
  held(`kube_pod_container_resource_limits{${cluster}, resource="${resource}"}`);
const allocatable = (resource: string) =>
  `sum(kube_node_status_allocatable{${cluster}, resource="${resource}"})`;
const fullness = `1 - max by (instance, device) (node_filesystem_avail_bytes{${cluster}, ${disk}}) / max by (instance, device) (node_filesystem_size_bytes{${cluster}, ${disk}})`;
const volumeUse = `max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes{${cluster}}) / max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{${cluster}})`;

/** The cluster as a whole: nodes, capacity, pods. */
export const clusterOverview: Dashboard = {
  uid: "cluster-overview",
  title: "Cluster overview",
  purpose:
    "For cluster operators: are all nodes and pods healthy, which resource is short, and which namespaces use it? " +
    "Start here when several applications are slow.",
  tags: ["cluster"],
  none: "No metrics",
  sources: [metrics, logs],
  variables: [clusterVariable(metrics)],
  numbers: [
    stat(
      "Nodes ready",
      "percentunit",
      of(metrics, {
        ready: `avg(kube_node_status_condition{${cluster}, condition="Ready", status="true"})`,
      }),
      { thresholds: { below: [1, 0.9] }, decimals: 0, opens: { panel: "Load average per core" } },
    ),
    stat(
      "CPU utilization",
      "percentunit",
      of(metrics, {
        used: `1 - avg(rate(node_cpu_seconds_total{${cluster}, mode="idle"}[$__rate_interval]))`,
      }),
      { thresholds: { above: [0.8, 0.9] }, opens: { panel: "CPU usage, requests, limits" } },
    ),
    stat(
      "Memory utilization",
      "percentunit",
      of(metrics, {
        used: `1 - sum(node_memory_MemAvailable_bytes{${cluster}}) / sum(node_memory_MemTotal_bytes{${cluster}})`,
      }),
      { thresholds: { above: [0.8, 0.9] }, opens: { panel: "Memory usage, requests, limits" } },
    ),
    stat("Max disk usage", "percentunit", of(metrics, { used: `max(${fullness})` }), {
      thresholds: { above: [0.75, 0.85] },
      opens: { panel: "Disk space used" },
      description: "Of the fullest node file system. Near 85 % the kubelet deletes images and evicts pods.",
    }),
    stat(
      "Pending pods",
      "short",
      of(metrics, { pods: `sum(kube_pod_status_phase{${cluster}, phase="Pending"})` }),
      {
        thresholds: { above: [1, 5] },
        opens: { panel: "Containers waiting by reason" },
        description:
          "Pods that wait for capacity on a node, a volume or an image: `kubectl describe pod` shows the reason.",
      },
    ),
    stat(
      "Container restarts",
      "short",
      of(metrics, {
        restarts: `sum(increase(kube_pod_container_status_restarts_total{${cluster}}[$__range]))`,
      }).map((query) => ({ ...query, instant: true })),
      {
        thresholds: { above: [1, 10] },
        decimals: 0,
        opens: { panel: "Containers that restarted" },
        description: "In the time range.",
      },
    ),
  ],
  rows: [
    {
      title: "Health and commitment",
      panels: [
        stat("API servers up", "percentunit", of(metrics, { up: `avg(up{${cluster}, job="apiserver"})` }), {
          thresholds: { below: [1, 0.5] },
          decimals: 0,
        }),
        stat(
          "Node pressure",
          "short",
          of(metrics, {
            nodes: `sum(kube_node_status_condition{${cluster}, condition=~".+Pressure", status="true"})`,
          }),
          {
            thresholds: { above: [1, 2] },
            description:
              "Nodes that are low on memory, disk or process IDs. They evict pods and accept no new ones.",
          },
        ),
        stat(
          "Failed pods",
          "short",
          of(metrics, { pods: `sum(kube_pod_status_phase{${cluster}, phase="Failed"})` }),
          { thresholds: { above: [1, 5] } },
        ),
        stat(
          "OOM kills",
          "short",
          of(metrics, { kills: `sum(increase(node_vmstat_oom_kill{${cluster}}[$__range]))` }).map(
            (query) => ({
              ...query,
              instant: true,
            }),
          ),
          {
            thresholds: { above: [1, 5] },
            decimals: 0,
            description: "Processes that node kernels killed because memory ran out, in the time range.",
          },
        ),
        stat(
          "CPU commitment",
          "percentunit",
          of(metrics, { requested: `sum(${requests("cpu")}) / ${allocatable("cpu")}` }),
          {
            thresholds: { above: [0.8, 0.95] },
            description:
              "In percent of allocatable. At 100 % no further pod is scheduled, whatever the usage.",
          },
        ),
        stat(
          "Memory commitment",
          "percentunit",
          of(metrics, { requested: `sum(${requests("memory")}) / ${allocatable("memory")}` }),
          { thresholds: { above: [0.8, 0.95] } },
        ),
      ],
    },
    {
      title: "Capacity",
      panels: [
        timeSeries(
          "CPU usage, requests, limits",
          cores,
          of(metrics, {
            used: `sum(rate(node_cpu_seconds_total{${cluster}, mode!~"idle|iowait|steal"}[$__rate_interval]))`,
            requested: `sum(${requests("cpu")})`,
            limits: `sum(${limits("cpu")})`,
            allocatable: allocatable("cpu"),
          }),
          { width: 12, min: 0 },
        ),
        timeSeries(
          "Memory usage, requests, limits",
          "bytes",
          of(metrics, {
            used: `sum(node_memory_MemTotal_bytes{${cluster}} - node_memory_MemAvailable_bytes{${cluster}})`,
            requested: `sum(${requests("memory")})`,
            limits: `sum(${limits("memory")})`,
            allocatable: allocatable("memory"),
          }),
          {
            width: 12,
            min: 0,
            description: "Limits above allocatable: not all pods can use their limits at the same time.",
          },
        ),
        timeSeries(
          "Load average per core",
          "none",
          of(metrics, {
            "{{instance}}": `sum by (instance) (node_load5{${cluster}}) / count by (instance) (node_cpu_seconds_total{${cluster}, mode="idle"})`,
          }),
          {
            min: 0,
            thresholds: { above: [1, 2] },
            description: "Processes that run or wait, per core, over five minutes.",
          },
        ),
        timeSeries("Disk space used", "percentunit", of(metrics, { "{{instance}} {{device}}": fullness }), {
          min: 0,
          max: 1,
          thresholds: { above: [0.75, 0.85] },
        }),
        timeSeries(
          "Disk I/O utilization",
          "percentunit",
          of(metrics, {
            "{{instance}} {{device}}": `rate(node_disk_io_time_seconds_total{${cluster}, device!~"loop.*|ram.*"}[$__rate_interval])`,
          }),
          { min: 0, max: 1, description: "Share of time with I/O in progress." },
        ),
      ],
    },
    {
      title: "Volumes",
      collapsed: true,
      panels: [
        bars(
          "Volume space usage",
          "percentunit",
          of(metrics, { "{{namespace}} {{persistentvolumeclaim}}": `topk(10, ${volumeUse})` }),
          {
            width: 12,
            min: 0,
            max: 1,
            thresholds: { above: [0.75, 0.9] },
            none: "No volume metrics",
            description: "Only volumes whose driver reports usage; local paths do not.",
          },
        ),
        timeSeries(
          "Predicted free space in 4 days",
          "bytes",
          of(metrics, {
            "{{namespace}} {{persistentvolumeclaim}}": `bottomk(10, predict_linear(kubelet_volume_stats_available_bytes{${cluster}}[6h], 4 * 24 * 3600))`,
          }),
          {
            width: 12,
            none: "No volume metrics",
            description: "The ten lowest. Below zero the volume will be full by then.",
          },
        ),
      ],
    },
    {
      title: "Pods",
      panels: [
        timeSeries(
          "Pods by phase",
          "short",
          of(metrics, { "{{phase}}": `sum by (phase) (kube_pod_status_phase{${cluster}})` }),
          { stacked: true, min: 0 },
        ),
        timeSeries(
          "Restarts by namespace",
          "short",
          of(metrics, {
            "{{namespace}}": `sum by (namespace) (increase(kube_pod_container_status_restarts_total{${cluster}}[$__rate_interval])) > 0`,
          }),
          { min: 0, none: "No restarts" },
        ),
        timeSeries(
          "Containers waiting by reason",
          "short",
          of(metrics, {
            "{{namespace}} {{reason}}": `sum by (namespace, reason) (kube_pod_container_status_waiting_reason{${cluster}}) > 0`,
          }),
          { min: 0, none: "None waiting" },
        ),
        table(
          "Containers that restarted",
          of(metrics, {
            restarts: restarted,
            // Containers also have the reason of an earlier termination.
            reason: `max by (namespace, pod, container, reason) (kube_pod_container_status_last_terminated_reason{${cluster}}) and on (namespace, pod, container) ${restarted}`,
          }),
          {
            columns: [
              {
                field: "namespace",
                heading: "Namespace",
                opens: { uid: "applications", variable: "namespace" },
              },
              { field: "pod", heading: "Pod", width: 330, opens: { uid: "containers", variable: "pod" } },
              { field: "container", heading: "Container" },
              { field: "reason", heading: "Last termination reason" },
              { field: "Value #A", heading: "Restarts", unit: "short" },
            ],
            none: "No restarts",
            description: "In the time range. OOMKilled: the container exceeded its memory limit.",
          },
        ),
      ],
    },
    {
      title: "Namespaces",
      panels: [
        table(
          "Quota by namespace",
          of(metrics, {
            cpu: `sum by (namespace) (rate(container_cpu_usage_seconds_total{${cluster}, container!=""}[$__rate_interval]))`,
            "cpu requested": `sum by (namespace) (${requests("cpu")})`,
            memory: `sum by (namespace) (container_memory_working_set_bytes{${cluster}, container!=""})`,
            "memory requested": `sum by (namespace) (${requests("memory")})`,
            pods: `sum by (namespace) (kube_pod_status_phase{${cluster}, phase="Running"})`,
            "cpu of requests": `sum by (namespace) (rate(container_cpu_usage_seconds_total{${cluster}, container!=""}[$__rate_interval])) / (sum by (namespace) (${requests("cpu")}) > 0)`,
            "memory of requests": `sum by (namespace) (container_memory_working_set_bytes{${cluster}, container!=""}) / (sum by (namespace) (${requests("memory")}) > 0)`,
          }),
          {
            columns: [
              {
                field: "namespace",
                heading: "Namespace",
                opens: { uid: "applications", variable: "namespace" },
              },
              { field: "Value #A", heading: "CPU usage", unit: cores },
              { field: "Value #B", heading: "CPU requests", unit: cores },
              { field: "Value #F", heading: "CPU requests %", unit: "percentunit" },
              { field: "Value #C", heading: "Memory usage", unit: "bytes" },
              { field: "Value #D", heading: "Memory requests", unit: "bytes" },
              { field: "Value #G", heading: "Memory requests %", unit: "percentunit" },
              { field: "Value #E", heading: "Pods running", unit: "short" },
            ],
            decimals: 2,
            height: 9,
          },
        ),
        timeSeries(
          "CPU usage by namespace",
          cores,
          of(metrics, {
            "{{namespace}}": `topk(8, sum by (namespace) (rate(container_cpu_usage_seconds_total{${cluster}, container!=""}[$__rate_interval])))`,
          }),
          { width: 12, stacked: true, min: 0 },
        ),
        timeSeries(
          "Memory usage by namespace",
          "bytes",
          of(metrics, {
            "{{namespace}}": `topk(8, sum by (namespace) (container_memory_working_set_bytes{${cluster}, container!=""}))`,
          }),
          { width: 12, stacked: true, min: 0 },
        ),
      ],
    },
    {
      title: "Network",
      collapsed: true,
      panels: [
        timeSeries(
          "Network throughput by node",
          "Bps",
          of(metrics, {
            "{{instance}} in": `sum by (instance) (rate(node_network_receive_bytes_total{${cluster}, ${wire}}[$__rate_interval]))`,
            "{{instance}} out": `sum by (instance) (rate(node_network_transmit_bytes_total{${cluster}, ${wire}}[$__rate_interval]))`,
          }),
          { width: 12, min: 0 },
        ),
        timeSeries(
          "Packets dropped by node",
          "pps",
          of(metrics, {
            "{{instance}} in": `sum by (instance) (rate(node_network_receive_drop_total{${cluster}, ${wire}}[$__rate_interval]) + rate(node_network_receive_errs_total{${cluster}, ${wire}}[$__rate_interval]))`,
            "{{instance}} out": `sum by (instance) (rate(node_network_transmit_drop_total{${cluster}, ${wire}}[$__rate_interval]) + rate(node_network_transmit_errs_total{${cluster}, ${wire}}[$__rate_interval]))`,
          }),
          { width: 12, min: 0, description: "Dropped packets and errors." },
        ),
      ],
    },
    {
      title: "Events and node logs",
      collapsed: true,
      panels: [
        timeSeries(
          "Warning events by reason",
          "short",
          of(logs, {
            "{{reason}}": `sum by (reason) (count_over_time({${cluster}, job="${logJobs.events}", level="warn"} | logfmt reason [$__auto]))`,
          }),
          {
            width: 12,
            min: 0,
            none: "No warning events",
            description: "Kubernetes events of type Warning, of all namespaces.",
          },
        ),
        timeSeries(
          "Journal errors by unit",
          "short",
          of(logs, {
            "{{node_name}} {{unit}}": `sum by (node_name, unit) (count_over_time({${cluster}, job="${logJobs.journal}", level=~"error|fatal"} [$__auto]))`,
          }),
          {
            width: 12,
            min: 0,
            none: "No journal errors",
            description: "kubelet, container runtime, kernel and other units.",
          },
        ),
        logLines(
          "Warning events",
          of(logs, { events: `{${cluster}, job="${logJobs.events}", level="warn"}` }),
          { none: "No warning events" },
        ),
      ],
    },
    {
      title: "API server",
      collapsed: true,
      panels: [
        timeSeries(
          "API server requests by status code",
          "reqps",
          of(metrics, {
            "{{code}}": `sum by (code) (rate(apiserver_request_total{${cluster}}[$__rate_interval]))`,
          }),
          { width: 12, min: 0 },
        ),
        timeSeries(
          "API server p99 latency by verb",
          "s",
          of(metrics, {
            "{{verb}}": `histogram_quantile(0.99, sum by (verb, le) (rate(apiserver_request_duration_seconds_bucket{${cluster}, verb!~"WATCH|CONNECT"}[$__rate_interval]))) >= 0`,
          }),
          {
            width: 12,
            min: 0,
            thresholds: { above: [1, 5] },
            description: "Without watches, which last as long as their clients need them.",
          },
        ),
      ],
    },
  ],
};
