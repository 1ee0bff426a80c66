import {
  answering,
  clusterVariable,
  type Dashboard,
  logLines,
  logs,
  metrics,
  of,
  serviceMap,
  spanFailures,
  spanRate,
  spanSeconds,
  table,
  timeSeries,
  traceList,
  traces,
} from "./kit";

const cluster = 'cluster=~"$cluster"';
const answers = `${cluster}, service_namespace=~"$namespace", service=~"$service", ${answering}`;
/** Calls from or to the chosen services; their metrics do not say in which namespace. */
const calls = (series: string) =>
  `rate(${series}{${cluster}, client=~"$service"}[$__rate_interval]) or rate(${series}{${cluster}, server=~"$service"}[$__rate_interval])`;
const edge = "by (client, server)";
const edgeRate = `sum ${edge} (${calls("traces_service_graph_request_total")})`;
const edgeFailures = `(sum ${edge} (${calls("traces_service_graph_request_failed_total")}) or 0 * ${edgeRate}) / ${edgeRate}`;
const edgeSeconds = `histogram_quantile(0.95, sum by (client, server, le) (${calls("traces_service_graph_request_client_seconds_bucket")}))`;

/** Who calls whom, how often, how well and how fast (R12). */
export const services: Dashboard = {
  uid: "services",
  title: "Service dependencies",
  purpose:
    "For whoever asks where a slow or failed request comes from: which service calls which, at which edge does it begin, and " +
    "which traces and log lines show it?",
  tags: ["applications", "traces"],
  sources: [metrics, logs, traces],
  variables: [
    clusterVariable(metrics),
    {
      name: "namespace",
      label: "Namespace",
      source: metrics,
      series: `traces_spanmetrics_calls_total{${cluster}}`,
      of: "service_namespace",
    },
    {
      name: "service",
      label: "Service",
      source: metrics,
      series: `traces_spanmetrics_calls_total{${cluster}, service_namespace=~"$namespace"}`,
      // Logs have other services, too.
      all: "",
    },
  ],
  next: {
    "random-namespaces": "Namespaces Random",
    postgresql: "PostgreSQL",
    containers: "Containers (cAdvisor)",
  },
  runbooks: ["TracesDropped"],
  rows: [
    {
      title: "Who calls whom",
      panels: [
        serviceMap("Service map", traces, cluster, {
          description:
            "Of all services. Each circle says its requests a second and how long it takes; red is the share that failed.",
        }),
        table("Calls", of(metrics, { rate: edgeRate, failed: edgeFailures, p95: edgeSeconds }), {
          columns: [
            { field: "client", heading: "From", opens: { uid: "services", variable: "service" } },
            { field: "server", heading: "To", opens: { uid: "services", variable: "service" } },
            { field: "Value #A", heading: "Requests", unit: "reqps" },
            { field: "Value #B", heading: "Failed", unit: "percentunit" },
            { field: "Value #C", heading: "Slow ones (p95)", unit: "s" },
          ],
          decimals: 2,
          description:
            "From or to the chosen services. A database goes by its own name. A click on a name chooses it.",
        }),
        timeSeries("Calls", "reqps", of(metrics, { "{{client}} → {{server}}": edgeRate }), { min: 0 }),
        timeSeries("Calls failed", "percentunit", of(metrics, { "{{client}} → {{server}}": edgeFailures }), {
          min: 0,
          thresholds: { yellow: 0.01, red: 0.05 },
        }),
        timeSeries("Slow calls (p95)", "s", of(metrics, { "{{client}} → {{server}}": edgeSeconds }), {
          min: 0,
          description:
            "As the caller sees it: with the network, and with the wait for the one that is called.",
        }),
      ],
    },
    {
      title: "Requests by service",
      panels: [
        timeSeries("Requests", "reqps", of(metrics, { "{{service}}": spanRate("service", answers) }), {
          min: 0,
        }),
        timeSeries(
          "Requests failed",
          "percentunit",
          of(metrics, { "{{service}}": spanFailures("service", answers) }),
          {
            min: 0,
            thresholds: { yellow: 0.01, red: 0.05 },
          },
        ),
        timeSeries(
          "Slow requests (p50, p95, p99)",
          "s",
          of(metrics, {
            "{{service}} p50": spanSeconds(0.5, "service", answers),
            "{{service}} p95": spanSeconds(0.95, "service", answers),
            "{{service}} p99": spanSeconds(0.99, "service", answers),
          }),
          { min: 0, description: "A click on a point opens a trace of that time." },
        ),
      ],
    },
    {
      title: "Requests by operation",
      panels: [
        table(
          "Operations",
          of(metrics, {
            rate: spanRate("service, span_name", answers),
            failed: spanFailures("service, span_name", answers),
            p95: spanSeconds(0.95, "service, span_name", answers),
          }),
          {
            columns: [
              { field: "service", heading: "Service", opens: { uid: "services", variable: "service" } },
              { field: "span_name", heading: "Operation" },
              { field: "Value #A", heading: "Requests", unit: "reqps" },
              { field: "Value #B", heading: "Failed", unit: "percentunit" },
              { field: "Value #C", heading: "Slow ones (p95)", unit: "s" },
            ],
            decimals: 2,
          },
        ),
      ],
    },
    {
      title: "Traces and logs of the chosen services",
      panels: [
        traceList(
          "Latest traces with errors",
          of(traces, {
            errors: `{ resource.k8s.cluster.name =~ "$cluster" && resource.service.name =~ "$service" && status = error }`,
          }),
          { width: 12 },
        ),
        traceList(
          "Latest slow traces",
          of(traces, {
            slow: `{ resource.k8s.cluster.name =~ "$cluster" && resource.service.name =~ "$service" && duration > 1s }`,
          }),
          { width: 12, description: "With a span of more than a second." },
        ),
        logLines(
          "Warnings and errors",
          of(logs, {
            lines: `{cluster=~"$cluster", namespace=~".+", service_name=~"$service", level=~"warn|error|fatal"}`,
          }),
          {
            description:
              "Of pods whose container has the service's name. A line with a trace_id leads to its trace.",
          },
        ),
      ],
    },
  ],
};
