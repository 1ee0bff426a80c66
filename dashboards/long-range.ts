import {
  answering,
  clusterVariable,
  cores,
  type Dashboard,
  of,
  overall,
  type Query,
  longRange as source,
  spanFailures,
  spanRate,
  spanSeconds,
  stat,
  timeSeries,
} from "./kit";

const day = 86_400;

/**
 * The tenants to query by the length of the time range in seconds; each entry begins at the end of the previous one. A
 * rate covers four steps: with a scrape interval of up to a minute, at least four samples.
 */
const resolutions = [
  { upTo: 7 * day, tenants: "pods|nodes", step: "1m" },
  { upTo: 30 * day, tenants: "rollup-5m", step: "5m" },
  { upTo: undefined, tenants: "rollup-1h", step: "1h" },
];

/** One series whose labels name the tenants to query and the interval of their samples. */
const chosenByRange = resolutions
  .map(({ upTo, tenants, step }, index) => {
    const over = resolutions[index - 1]?.upTo;
    const range = `vector($__range_s)${over ? ` > ${over}` : ""}${upTo ? ` <= ${upTo}` : ""}`;
    const labels = { resolution: tenants, step };
    return Object.entries(labels).reduce(
      (query, [label, value]) => `label_replace(${query}, "${label}", "${value}", "", "")`,
      range,
    );
  })
  .join(" or ");

const chosen = 'cluster=~"$cluster", __tenant_id__=~"$resolution"';
const container = `${chosen}, namespace=~"$namespace", container!=""`;
const disk = `${chosen}, fstype!~"tmpfs|ramfs|overlay|squashfs", mountpoint!~"/(run|dev|sys|proc).*"`;
const wire = `${chosen}, device!~"lo|veth.*|cali.*|cni.*|flannel.*|docker.*|br-.*"`;
const answers = `${chosen}, ${answering}`;

/** The average between two points: with samples an hour apart, a plain selector would find none. */
const average = (gauge: string) => `avg_over_time(${gauge}[$__interval])`;
const rate = (by: string, counter: string) => `sum by (${by}) (rate(${counter}[$__rate_interval]))`;

/** Queries whose points are no closer together than the samples. */
const every = (queries: Record<string, string>): Query[] =>
  of(source, queries).map((query) => ({ ...query, minStep: "$step" }));

/** Trends over months, from downsampled series if the range is long. */
export const longRange: Dashboard = {
  uid: "long-range",
  title: "Long range",
  purpose:
    "For capacity planning and trends over months. Up to 7 days it reads every sample, up to 30 days averages over 5 " +
    "minutes, and beyond that averages over an hour.",
  tags: ["cluster", "long-range"],
  none: "No metrics",
  sources: [source],
  computed: [
    { name: "resolution", source, query: chosenByRange, regex: '/resolution="([^"]+)"/' },
    { name: "step", source, query: chosenByRange, regex: '/step="([^"]+)"/' },
  ],
  variables: [
    clusterVariable(source),
    {
      name: "namespace",
      label: "Namespace",
      source,
      series: `container_memory_working_set_bytes{${chosen}, container!=""}`,
    },
  ],
  from: "now-30d",
  numbers: [
    stat(
      "CPU utilization",
      "percentunit",
      every({ used: `1 - avg(rate(node_cpu_seconds_total{${chosen}, mode="idle"}[$__rate_interval]))` }),
      { thresholds: { above: [0.8, 0.9] }, opens: { panel: "CPU utilization by node" } },
    ),
    stat(
      "Memory utilization",
      "percentunit",
      every({
        used: `1 - sum(${average(`node_memory_MemAvailable_bytes{${chosen}}`)}) / sum(${average(`node_memory_MemTotal_bytes{${chosen}}`)})`,
      }),
      { thresholds: { above: [0.8, 0.9] }, opens: { panel: "Memory utilization by node" } },
    ),
    stat(
      "Max disk usage",
      "percentunit",
      every({
        used: `max(1 - max by (instance, mountpoint) (${average(`node_filesystem_avail_bytes{${disk}}`)}) / max by (instance, mountpoint) (${average(`node_filesystem_size_bytes{${disk}}`)}))`,
      }),
      { thresholds: { above: [0.8, 0.9] }, opens: { panel: "Disk space used by node" } },
    ),
    stat("Request rate", "reqps", every({ requests: spanRate(overall, answers) }), {
      none: "No spans",
      opens: { panel: "Request rate by service" },
    }),
    stat("Error rate", "percentunit", every({ errors: spanFailures(overall, answers) }), {
      thresholds: { above: [0.01, 0.05] },
      none: "No requests",
      opens: { panel: "Error rate by service" },
    }),
    stat("p95 latency", "s", every({ p95: spanSeconds(0.95, overall, answers) }), {
      none: "No requests",
      opens: { panel: "p95 latency by service" },
    }),
  ],
  rows: [
    {
      title: "Nodes (a point every $step)",
      panels: [
        timeSeries(
          "CPU utilization by node",
          "percentunit",
          every({
            "{{instance}}": `1 - avg by (instance) (rate(node_cpu_seconds_total{${chosen}, mode="idle"}[$__rate_interval]))`,
          }),
          { min: 0, max: 1, thresholds: { above: [0.8, 0.9] } },
        ),
        timeSeries(
          "Memory utilization by node",
          "percentunit",
          every({
            "{{instance}}": `1 - sum by (instance) (${average(`node_memory_MemAvailable_bytes{${chosen}}`)}) / sum by (instance) (${average(`node_memory_MemTotal_bytes{${chosen}}`)})`,
          }),
          { min: 0, max: 1, thresholds: { above: [0.8, 0.9] } },
        ),
        timeSeries(
          "Disk space used by node",
          "percentunit",
          every({
            "{{instance}} {{mountpoint}}": `1 - max by (instance, mountpoint) (${average(`node_filesystem_avail_bytes{${disk}}`)}) / max by (instance, mountpoint) (${average(`node_filesystem_size_bytes{${disk}}`)})`,
          }),
          { min: 0, max: 1, thresholds: { above: [0.8, 0.9] } },
        ),
        timeSeries(
          "Network throughput by node",
          "Bps",
          every({
            "{{instance}} in": rate("instance", `node_network_receive_bytes_total{${wire}}`),
            "{{instance}} out": rate("instance", `node_network_transmit_bytes_total{${wire}}`),
          }),
          { min: 0 },
        ),
        timeSeries(
          "Disk I/O utilization by node",
          "percentunit",
          every({
            "{{instance}}": `max by (instance) (rate(node_disk_io_time_seconds_total{${chosen}}[$__rate_interval]))`,
          }),
          { min: 0, max: 1, description: "The node's busiest disk." },
        ),
        timeSeries(
          "Scrape targets up by job",
          "percentunit",
          every({ "{{job}}": `avg by (job) (${average(`up{${chosen}}`)}) < 1` }),
          { min: 0, max: 1, none: "All targets up", description: "Jobs with failed scrapes." },
        ),
      ],
    },
    {
      title: "Workloads",
      panels: [
        timeSeries(
          "CPU usage by namespace",
          cores,
          every({ "{{namespace}}": rate("namespace", `container_cpu_usage_seconds_total{${container}}`) }),
          { width: 12, min: 0, stacked: true },
        ),
        timeSeries(
          "Memory usage by namespace",
          "bytes",
          every({
            "{{namespace}}": `sum by (namespace) (${average(`container_memory_working_set_bytes{${container}}`)})`,
          }),
          { width: 12, min: 0, stacked: true },
        ),
        timeSeries(
          "Requests commitment",
          "percentunit",
          every({
            "{{resource}}": `sum by (resource) (${average(`kube_pod_container_resource_requests{${chosen}, resource=~"cpu|memory"}`)}) / sum by (resource) (${average(`kube_node_status_allocatable{${chosen}, resource=~"cpu|memory"}`)})`,
          }),
          { width: 12, min: 0, thresholds: { above: [0.8, 0.95] } },
        ),
        timeSeries(
          "Restarts by namespace",
          "short",
          every({
            "{{namespace}}": `sum by (namespace) (increase(kube_pod_container_status_restarts_total{${chosen}, namespace=~"$namespace"}[$__rate_interval])) > 0`,
          }),
          { width: 12, min: 0, none: "No restarts" },
        ),
      ],
    },
    {
      title: "Requests",
      panels: [
        timeSeries(
          "Request rate by service",
          "reqps",
          every({ "{{service}}": spanRate("service", answers) }),
          { min: 0, none: "No requests" },
        ),
        timeSeries(
          "Error rate by service",
          "percentunit",
          every({ "{{service}}": spanFailures("service", answers) }),
          { min: 0, none: "No requests", thresholds: { above: [0.01, 0.05] } },
        ),
        timeSeries(
          "p95 latency by service",
          "s",
          every({ "{{service}}": spanSeconds(0.95, "service", answers) }),
          { min: 0, none: "No requests" },
        ),
      ],
    },
  ],
};
