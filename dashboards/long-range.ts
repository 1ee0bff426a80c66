import {
  answering,
  clusterVariable,
  type Dashboard,
  of,
  type Query,
  longRange as source,
  spanFailures,
  spanRate,
  spanSeconds,
  timeSeries,
} from "./kit";

const day = 86_400;

/** What is asked, by the seconds looked at: each begins where the one before it ends. */
const resolutions = [
  { upTo: 7 * day, tenants: "pods|nodes", step: "15s" },
  { upTo: 30 * day, tenants: "rollup-5m", step: "5m" },
  { upTo: undefined, tenants: "rollup-1h", step: "1h" },
];

/** One series whose labels say which tenants to ask, and how far apart their samples are. */
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

/** The average between two points: of samples an hour apart, a plain selector would see none. */
const average = (gauge: string) => `avg_over_time(${gauge}[$__interval])`;
const rate = (by: string, counter: string) => `sum by (${by}) (rate(${counter}[$__rate_interval]))`;

/** Queries with points no nearer than the samples are. */
const every = (queries: Record<string, string>): Query[] =>
  of(source, queries).map((query) => ({ ...query, minStep: "$step" }));

/** Months at a glance, from roll-ups where the raw data would be too much to read. */
export const longRange: Dashboard = {
  uid: "long-range",
  title: "Long range",
  purpose:
    "For whoever plans: is there room, is it busier, slower or less reliable than months ago? Up to 7 days this reads every " +
    "sample, up to 30 days averages of 5 minutes, beyond that averages of an hour; the newest of those come some minutes late.",
  tags: ["cluster", "long-range"],
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
  next: {
    "cluster-overview": "Cluster overview",
    "random-namespaces": "Namespaces Random",
    containers: "Containers (cAdvisor)",
  },
  from: "now-30d",
  runbooks: [],
  rows: [
    {
      title: "Nodes, from $resolution",
      panels: [
        timeSeries(
          "CPU of a node",
          "percentunit",
          every({
            "{{instance}}": `1 - avg by (instance) (rate(node_cpu_seconds_total{${chosen}, mode="idle"}[$__rate_interval]))`,
          }),
          {
            min: 0,
            max: 1,
            thresholds: { yellow: 0.8, red: 0.9 },
            description: "Share of its cores that work.",
          },
        ),
        timeSeries(
          "Memory of a node",
          "percentunit",
          every({
            "{{instance}}": `1 - sum by (instance) (${average(`node_memory_MemAvailable_bytes{${chosen}}`)}) / sum by (instance) (${average(`node_memory_MemTotal_bytes{${chosen}}`)})`,
          }),
          { min: 0, max: 1, thresholds: { yellow: 0.8, red: 0.9 } },
        ),
        timeSeries(
          "Disks",
          "percentunit",
          every({
            "{{instance}} {{mountpoint}}": `1 - max by (instance, mountpoint) (${average(`node_filesystem_avail_bytes{${disk}}`)}) / max by (instance, mountpoint) (${average(`node_filesystem_size_bytes{${disk}}`)})`,
          }),
          { min: 0, max: 1, thresholds: { yellow: 0.8, red: 0.9 }, description: "How full each is." },
        ),
        timeSeries(
          "Network of a node",
          "Bps",
          every({
            "{{instance}} in": rate("instance", `node_network_receive_bytes_total{${wire}}`),
            "{{instance}} out": rate("instance", `node_network_transmit_bytes_total{${wire}}`),
          }),
          { min: 0 },
        ),
        timeSeries(
          "Disks at work",
          "percentunit",
          every({
            "{{instance}}": `max by (instance) (rate(node_disk_io_time_seconds_total{${chosen}}[$__rate_interval]))`,
          }),
          {
            min: 0,
            max: 1,
            description: "Of each node's busiest disk, the share of time in which it works.",
          },
        ),
        timeSeries(
          "Targets that answer",
          "percentunit",
          every({ "{{job}}": `avg by (job) (${average(`up{${chosen}}`)}) < 1` }),
          { min: 0, max: 1, description: "Share of scrapes that were answered; empty where all were." },
        ),
      ],
    },
    {
      title: "Workloads",
      panels: [
        timeSeries(
          "CPU by namespace",
          "none",
          every({ "{{namespace}}": rate("namespace", `container_cpu_usage_seconds_total{${container}}`) }),
          { width: 12, min: 0, stacked: true, description: "In cores." },
        ),
        timeSeries(
          "Memory by namespace",
          "bytes",
          every({
            "{{namespace}}": `sum by (namespace) (${average(`container_memory_working_set_bytes{${container}}`)})`,
          }),
          { width: 12, min: 0, stacked: true },
        ),
        timeSeries(
          "Requested of what nodes have",
          "percentunit",
          every({
            "{{resource}}": `sum by (resource) (${average(`kube_pod_container_resource_requests{${chosen}, resource=~"cpu|memory"}`)}) / sum by (resource) (${average(`kube_node_status_allocatable{${chosen}, resource=~"cpu|memory"}`)})`,
          }),
          { width: 12, min: 0, thresholds: { yellow: 0.8, red: 0.95 } },
        ),
        timeSeries(
          "Restarts by namespace",
          "short",
          every({
            "{{namespace}}": `sum by (namespace) (increase(kube_pod_container_status_restarts_total{${chosen}, namespace=~"$namespace"}[$__rate_interval])) > 0`,
          }),
          { width: 12, min: 0, description: "Empty where nothing restarts." },
        ),
      ],
    },
    {
      title: "Requests, by spans",
      panels: [
        timeSeries("Requests by service", "reqps", every({ "{{service}}": spanRate("service", answers) }), {
          min: 0,
        }),
        timeSeries(
          "Failed by service",
          "percentunit",
          every({ "{{service}}": spanFailures("service", answers) }),
          { min: 0, thresholds: { yellow: 0.01, red: 0.05 } },
        ),
        timeSeries(
          "Slow requests by service (p95)",
          "s",
          every({ "{{service}}": spanSeconds(0.95, "service", answers) }),
          { min: 0 },
        ),
      ],
    },
  ],
};
