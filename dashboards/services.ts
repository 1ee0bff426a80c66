import {
  answering,
  clusterVariable,
  type Dashboard,
  logLines,
  logs,
  metrics,
  of,
  overall,
  serviceMap,
  spanFailures,
  spanRate,
  spanSeconds,
  stat,
  table,
  timeSeries,
  traceList,
  traces,
} from "./kit";

const cluster = 'cluster=~"$cluster"';
const answers = `${cluster}, service_namespace=~"$namespace", service=~"$service", ${answering}`;
/** Calls from and to the selected services; their metrics have no namespace. */
const calls = (series: string) =>
  `rate(${series}{${cluster}, client=~"$service"}[$__rate_interval]) or rate(${series}{${cluster}, server=~"$service"}[$__rate_interval])`;
const edge = "by (client, server)";
const edgeRate = `sum ${edge} (${calls("traces_service_graph_request_total")})`;
const edgeFailures = `(sum ${edge} (${calls("traces_service_graph_request_failed_total")}) or 0 * ${edgeRate}) / (${edgeRate} > 0)`;
const edgeSeconds = `histogram_quantile(0.95, sum by (client, server, le) (${calls("traces_service_graph_request_client_seconds_bucket")})) >= 0`;

/** Service dependencies with rate, errors and duration. */
export const services: Dashboard = {
  uid: "services",
  title: "Service dependencies",
  purpose:
    "Where does a slow or failed request come from? Shows which service calls which, where errors start, and the traces " +
    "and log lines of the selected services.",
  tags: ["applications", "traces"],
  none: "No spans",
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
      // Other services have logs too.
      all: "",
    },
  ],
  numbers: [
    stat("Request rate", "reqps", of(metrics, { requests: spanRate(overall, answers) }), {
      none: "No spans",
      opens: { panel: "Request rate by service" },
      description: "Server and consumer spans of the selected services.",
    }),
    stat("Error rate", "percentunit", of(metrics, { errors: spanFailures(overall, answers) }), {
      thresholds: { above: [0.01, 0.05] },
      none: "No requests",
      opens: { panel: "Latest traces with errors" },
    }),
    stat("p95 latency", "s", of(metrics, { p95: spanSeconds(0.95, overall, answers) }), {
      thresholds: { above: [0.5, 2] },
      none: "No requests",
      opens: { panel: "Latest slow traces" },
    }),
    stat("p99 latency", "s", of(metrics, { p99: spanSeconds(0.99, overall, answers) }), {
      thresholds: { above: [1, 5] },
      none: "No requests",
      opens: { panel: "Latency by service" },
    }),
    stat(
      "Services with errors",
      "short",
      of(metrics, { services: `count(${spanFailures("service", answers)} > 0) or vector(0)` }),
      { thresholds: { above: [1] }, opens: { panel: "Error rate by service" } },
    ),
    stat("Service edges", "short", of(metrics, { edges: `count(${edgeRate} > 0) or vector(0)` }), {
      opens: { panel: "Service dependencies" },
      description: "Pairs of services with calls.",
    }),
  ],
  rows: [
    {
      title: "Service graph",
      panels: [
        serviceMap("Service map", traces, cluster, {
          description:
            "All services. Each node shows request rate and latency; the red arc is the error rate.",
        }),
        table(
          "Service dependencies",
          of(metrics, { rate: edgeRate, failed: edgeFailures, p95: edgeSeconds }),
          {
            columns: [
              { field: "client", heading: "From", opens: { uid: "services", variable: "service" } },
              { field: "server", heading: "To", opens: { uid: "services", variable: "service" } },
              { field: "Value #A", heading: "Request rate", unit: "reqps" },
              { field: "Value #B", heading: "Error rate", unit: "percentunit" },
              { field: "Value #C", heading: "p95 latency", unit: "s" },
            ],
            decimals: 2,
            description:
              "Calls from and to the selected services. Databases appear under their own name. Click a name to select it.",
          },
        ),
        timeSeries("Call rate", "reqps", of(metrics, { "{{client}} → {{server}}": edgeRate }), { min: 0 }),
        timeSeries(
          "Call error rate",
          "percentunit",
          of(metrics, { "{{client}} → {{server}}": edgeFailures }),
          {
            min: 0,
            thresholds: { above: [0.01, 0.05] },
          },
        ),
        timeSeries("p95 call latency", "s", of(metrics, { "{{client}} → {{server}}": edgeSeconds }), {
          min: 0,
          description: "Measured by the client: includes the network and the server's queue.",
        }),
      ],
    },
    {
      title: "Requests",
      panels: [
        timeSeries(
          "Request rate by service",
          "reqps",
          of(metrics, { "{{service}}": spanRate("service", answers) }),
          {
            min: 0,
          },
        ),
        timeSeries(
          "Error rate by service",
          "percentunit",
          of(metrics, { "{{service}}": spanFailures("service", answers) }),
          {
            min: 0,
            thresholds: { above: [0.01, 0.05] },
          },
        ),
        timeSeries(
          "Latency by service",
          "s",
          of(metrics, {
            "{{service}} p50": spanSeconds(0.5, "service", answers),
            "{{service}} p95": spanSeconds(0.95, "service", answers),
            "{{service}} p99": spanSeconds(0.99, "service", answers),
          }),
          { min: 0, description: "A click on an exemplar opens its trace." },
        ),
      ],
    },
    {
      title: "Operations",
      collapsed: true,
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
              { field: "Value #A", heading: "Request rate", unit: "reqps" },
              { field: "Value #B", heading: "Error rate", unit: "percentunit" },
              { field: "Value #C", heading: "p95 latency", unit: "s" },
            ],
            decimals: 2,
          },
        ),
      ],
    },
    {
      title: "Traces and logs",
      panels: [
        traceList(
          "Latest traces with errors",
          of(traces, {
            errors: `{ resource.k8s.cluster.name =~ "$cluster" && resource.service.name =~ "$service" && status = error }`,
          }),
          { width: 12, none: "No traces with errors" },
        ),
        traceList(
          "Latest slow traces",
          of(traces, {
            slow: `{ resource.k8s.cluster.name =~ "$cluster" && resource.service.name =~ "$service" && duration > 1s }`,
          }),
          { width: 12, none: "No traces over 1 s", description: "Traces with a span over 1 s." },
        ),
        logLines(
          "Warning and error log lines",
          of(logs, {
            lines: `{cluster=~"$cluster", namespace=~".+", service_name=~"$service", level=~"warn|error|fatal"}`,
          }),
          {
            none: "No warning or error log lines",
            description:
              "Logs of containers with the service's name. A line with a trace ID links to its trace.",
          },
        ),
      ],
    },
  ],
};
