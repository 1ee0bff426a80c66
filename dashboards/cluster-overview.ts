import { logJobs } from "../names";
import {
  bars,
  clusterVariable,
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
/** Interfaces of nodes to the outside; the others carry the same bytes once more. */
const wire = 'device!~"lo|veth.*|cali.*|cilium.*|cni.*|flannel.*|docker.*"';
/** File systems that can fill: neither memory nor read-only images. */
const disk = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|erofs"';
/** Of pods that hold what they asked for; finished ones do not. */
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

/** The cluster as a whole: nodes, room, pods. */
export const clusterOverview: Dashboard = {
  uid: "cluster-overview",
  title: "Cluster overview",
  purpose:
    "For whoever runs the cluster: are all nodes and pods well, what is short, and who takes it? " +
    "Begin here when more than one application is slow.",
  tags: ["cluster"],
  sources: [metrics, logs],
  variables: [clusterVariable(metrics)],
  next: { containers: "Containers (cAdvisor)", "random-namespaces": "Namespaces Random" },
  runbooks: [],
  rows: [
    {
      title: "At a glance",
      panels: [
        stat(
          "Nodes ready",
          "percentunit",
          of(metrics, {
            ready: `avg(kube_node_status_condition{${cluster}, condition="Ready", status="true"})`,
          }),
          { thresholds: { yellow: 1, red: 0.9 }, decimals: 0 },
        ),
        stat("API servers up", "percentunit", of(metrics, { up: `avg(up{${cluster}, job="apiserver"})` }), {
          thresholds: { yellow: 1, red: 0.5 },
          decimals: 0,
        }),
        stat(
          "CPU used",
          "percentunit",
          of(metrics, {
            used: `1 - avg(rate(node_cpu_seconds_total{${cluster}, mode="idle"}[$__rate_interval]))`,
          }),
          { thresholds: { yellow: 0.8, red: 0.9 } },
        ),
        stat(
          "Memory used",
          "percentunit",
          of(metrics, {
            used: `1 - sum(node_memory_MemAvailable_bytes{${cluster}}) / sum(node_memory_MemTotal_bytes{${cluster}})`,
          }),
          { thresholds: { yellow: 0.8, red: 0.9 } },
        ),
        stat("Fullest disk", "percentunit", of(metrics, { used: `max(${fullness})` }), {
          thresholds: { yellow: 0.75, red: 0.85 },
          description:
            "Of the nodes' file systems. Near 85 % the kubelet begins to delete images and to evict pods.",
        }),
        stat(
          "Nodes under pressure",
          "short",
          of(metrics, {
            nodes: `sum(kube_node_status_condition{${cluster}, condition=~".+Pressure", status="true"})`,
          }),
          {
            thresholds: { yellow: 1, red: 2 },
            description:
              "Short of memory, disk or process ids: such a node takes no new pods and evicts some.",
          },
        ),
        stat(
          "Pods pending",
          "short",
          of(metrics, { pods: `sum(kube_pod_status_phase{${cluster}, phase="Pending"})` }),
          {
            thresholds: { yellow: 1, red: 5 },
            description:
              "They wait for room on a node, for a volume or for an image: kubectl describe says which.",
          },
        ),
        stat(
          "Pods failed",
          "short",
          of(metrics, { pods: `sum(kube_pod_status_phase{${cluster}, phase="Failed"})` }),
          { thresholds: { yellow: 1, red: 5 } },
        ),
        stat(
          "Restarts",
          "short",
          of(metrics, {
            restarts: `sum(increase(kube_pod_container_status_restarts_total{${cluster}}[$__range]))`,
          }).map((query) => ({ ...query, instant: true })),
          {
            thresholds: { yellow: 1, red: 10 },
            decimals: 0,
            description: "Of containers, in the time shown.",
          },
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
            thresholds: { yellow: 1, red: 5 },
            decimals: 0,
            description: "Processes that the nodes' kernels ended for want of memory, in the time shown.",
          },
        ),
        stat(
          "CPU requested",
          "percentunit",
          of(metrics, { requested: `sum(${requests("cpu")}) / ${allocatable("cpu")}` }),
          {
            thresholds: { yellow: 0.8, red: 0.95 },
            description: "Of what nodes can give. At 100 % no further pod is placed, whatever is in use.",
          },
        ),
        stat(
          "Memory requested",
          "percentunit",
          of(metrics, { requested: `sum(${requests("memory")}) / ${allocatable("memory")}` }),
          { thresholds: { yellow: 0.8, red: 0.95 } },
        ),
      ],
    },
    {
      title: "Room",
      panels: [
        timeSeries(
          "CPU: used, requested, limits, there",
          "none",
          of(metrics, {
            used: `sum(rate(node_cpu_seconds_total{${cluster}, mode!~"idle|iowait|steal"}[$__rate_interval]))`,
            requested: `sum(${requests("cpu")})`,
            limits: `sum(${limits("cpu")})`,
            there: allocatable("cpu"),
          }),
          { width: 12, min: 0, description: "In cores." },
        ),
        timeSeries(
          "Memory: used, requested, limits, there",
          "bytes",
          of(metrics, {
            used: `sum(node_memory_MemTotal_bytes{${cluster}} - node_memory_MemAvailable_bytes{${cluster}})`,
            requested: `sum(${requests("memory")})`,
            limits: `sum(${limits("memory")})`,
            there: allocatable("memory"),
          }),
          {
            width: 12,
            min: 0,
            description: "Limits above what is there mean that pods which all take theirs cannot all live.",
          },
        ),
        timeSeries(
          "Load by node",
          "none",
          of(metrics, {
            "{{instance}}": `sum by (instance) (node_load5{${cluster}}) / count by (instance) (node_cpu_seconds_total{${cluster}, mode="idle"})`,
          }),
          {
            min: 0,
            thresholds: { yellow: 1, red: 2 },
            description: "Processes that run or wait, for each CPU, over five minutes.",
          },
        ),
        timeSeries("Disk used by node", "percentunit", of(metrics, { "{{instance}} {{device}}": fullness }), {
          min: 0,
          max: 1,
          thresholds: { yellow: 0.75, red: 0.85 },
        }),
        timeSeries(
          "Disks busy",
          "percentunit",
          of(metrics, {
            "{{instance}} {{device}}": `rate(node_disk_io_time_seconds_total{${cluster}, device!~"loop.*|ram.*"}[$__rate_interval])`,
          }),
          { min: 0, max: 1, description: "Share of time in which the disk had something to do." },
        ),
      ],
    },
    {
      title: "Volumes",
      panels: [
        bars(
          "Fullest volumes",
          "percentunit",
          of(metrics, { "{{namespace}} {{persistentvolumeclaim}}": `topk(10, ${volumeUse})` }),
          {
            width: 12,
            min: 0,
            max: 1,
            thresholds: { yellow: 0.75, red: 0.9 },
            description:
              "The kubelet measures volumes whose storage driver can say it; a local path on the node is none of them.",
          },
        ),
        timeSeries(
          "Free after four days at today's pace",
          "bytes",
          of(metrics, {
            "{{namespace}} {{persistentvolumeclaim}}": `bottomk(10, predict_linear(kubelet_volume_stats_available_bytes{${cluster}}[6h], 4 * 24 * 3600))`,
          }),
          { width: 12, description: "The ten worst. Below zero a volume will be full by then." },
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
          { min: 0 },
        ),
        timeSeries(
          "Containers that wait, by reason",
          "short",
          of(metrics, {
            "{{namespace}} {{reason}}": `sum by (namespace, reason) (kube_pod_container_status_waiting_reason{${cluster}}) > 0`,
          }),
          {
            min: 0,
            description: "CrashLoopBackOff, ImagePullBackOff and their like; empty when none waits.",
          },
        ),
        table(
          "Containers that restarted",
          of(metrics, {
            restarts: `topk(20, sum by (namespace, pod, container) (increase(kube_pod_container_status_restarts_total{${cluster}}[$__range])) > 0)`,
            reason: `max by (namespace, pod, container, reason) (kube_pod_container_status_last_terminated_reason{${cluster}})`,
          }),
          {
            columns: [
              {
                field: "namespace",
                heading: "Namespace",
                opens: { uid: "random-namespaces", variable: "namespace" },
              },
              { field: "pod", heading: "Pod", opens: { uid: "containers", variable: "pod" } },
              { field: "container", heading: "Container" },
              { field: "reason", heading: "Ended last by" },
              { field: "Value #A", heading: "Restarts", unit: "short" },
            ],
            description: "In the time shown. OOMKilled: it went over its memory limit.",
          },
        ),
      ],
    },
    {
      title: "Who uses it",
      panels: [
        table(
          "Namespaces",
          of(metrics, {
            cpu: `sum by (namespace) (rate(container_cpu_usage_seconds_total{${cluster}, container!=""}[$__rate_interval]))`,
            "cpu requested": `sum by (namespace) (${requests("cpu")})`,
            memory: `sum by (namespace) (container_memory_working_set_bytes{${cluster}, container!=""})`,
            "memory requested": `sum by (namespace) (${requests("memory")})`,
            pods: `sum by (namespace) (kube_pod_status_phase{${cluster}, phase="Running"})`,
          }),
          {
            columns: [
              {
                field: "namespace",
                heading: "Namespace",
                opens: { uid: "random-namespaces", variable: "namespace" },
              },
              { field: "Value #A", heading: "CPU", unit: "none" },
              { field: "Value #B", heading: "CPU requested", unit: "none" },
              { field: "Value #C", heading: "Memory", unit: "bytes" },
              { field: "Value #D", heading: "Memory requested", unit: "bytes" },
              { field: "Value #E", heading: "Pods running", unit: "short" },
            ],
            decimals: 2,
            height: 9,
          },
        ),
        timeSeries(
          "CPU, top namespaces",
          "none",
          of(metrics, {
            "{{namespace}}": `topk(8, sum by (namespace) (rate(container_cpu_usage_seconds_total{${cluster}, container!=""}[$__rate_interval])))`,
          }),
          { width: 12, stacked: true, min: 0, description: "In cores." },
        ),
        timeSeries(
          "Memory, top namespaces",
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
      panels: [
        timeSeries(
          "Bytes by node",
          "Bps",
          of(metrics, {
            "{{instance}} in": `sum by (instance) (rate(node_network_receive_bytes_total{${cluster}, ${wire}}[$__rate_interval]))`,
            "{{instance}} out": `sum by (instance) (rate(node_network_transmit_bytes_total{${cluster}, ${wire}}[$__rate_interval]))`,
          }),
          { width: 12, min: 0 },
        ),
        timeSeries(
          "Packets lost by node",
          "pps",
          of(metrics, {
            "{{instance}} in": `sum by (instance) (rate(node_network_receive_drop_total{${cluster}, ${wire}}[$__rate_interval]) + rate(node_network_receive_errs_total{${cluster}, ${wire}}[$__rate_interval]))`,
            "{{instance}} out": `sum by (instance) (rate(node_network_transmit_drop_total{${cluster}, ${wire}}[$__rate_interval]) + rate(node_network_transmit_errs_total{${cluster}, ${wire}}[$__rate_interval]))`,
          }),
          { width: 12, min: 0, description: "Dropped or damaged." },
        ),
      ],
    },
    {
      title: "Events and node logs",
      panels: [
        timeSeries(
          "Warning events by reason",
          "short",
          of(logs, {
            "{{reason}}": `sum by (reason) (count_over_time({${cluster}, job="${logJobs.events}", level="warn"} | logfmt reason [$__auto]))`,
          }),
          { width: 12, min: 0, description: "Kubernetes events of type Warning, of all namespaces." },
        ),
        timeSeries(
          "Errors in the nodes' journals by unit",
          "short",
          of(logs, {
            "{{node_name}} {{unit}}": `sum by (node_name, unit) (count_over_time({${cluster}, job="${logJobs.journal}", level=~"error|fatal"} [$__auto]))`,
          }),
          { width: 12, min: 0, description: "kubelet, container runtime, kernel and other units." },
        ),
        logLines(
          "Warning events",
          of(logs, { events: `{${cluster}, job="${logJobs.events}", level="warn"}` }),
        ),
      ],
    },
    {
      title: "API server",
      panels: [
        timeSeries(
          "Requests by status",
          "reqps",
          of(metrics, {
            "{{code}}": `sum by (code) (rate(apiserver_request_total{${cluster}}[$__rate_interval]))`,
          }),
          { width: 12, min: 0 },
        ),
        timeSeries(
          "Slowest requests by verb (p99)",
          "s",
          of(metrics, {
            "{{verb}}": `histogram_quantile(0.99, sum by (verb, le) (rate(apiserver_request_duration_seconds_bucket{${cluster}, verb!~"WATCH|CONNECT"}[$__rate_interval])))`,
          }),
          {
            width: 12,
            min: 0,
            thresholds: { yellow: 1, red: 5 },
            description: "Watches last as long as they are wanted.",
          },
        ),
      ],
    },
  ],
};
