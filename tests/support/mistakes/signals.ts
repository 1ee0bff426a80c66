/** Mistakes about logs, metrics, traces, alert receivers and logins. */
import { shipped } from "../stacks";
import { type Mistake, set, setPlain, setSecret, takeOut } from "./mistake";

/** Login to the shipped prod stack. */
const login = shipped("prod")["grafana"] as object;

export const signals: Mistake[] = [
  {
    about: "a retention as words",
    config: { loki: { retention: { application: "1 month" } } },
    says: 'loki.retention.application: invalid value "1 month" (must be a duration: a positive integer with unit s, m, h or d, such as 30d)',
    change: set("loki.retention.application"),
  },
  {
    about: "a retention below the minimum",
    config: { loki: { retention: { debug: "12h" } } },
    says: 'loki.retention.debug: invalid value "12h" (must be at least 1d, the minimum that Loki accepts)',
    change: set("loki.retention.debug"),
  },
  {
    about: "a day that is not in the calendar",
    config: { loki: { schema: [{ from: "2025-02-30", store: "tsdb" }] } },
    says: 'loki.schema[0].from: invalid value "2025-02-30" (must be a date that exists)',
    change: set("loki.schema[0].from"),
  },
  {
    about: "a rate above its burst",
    config: { loki: { ingestionRate: "40MB/s" } },
    says: 'loki.ingestionBurst: invalid value "20MB/s" (must be at least loki.ingestionRate, 40MB/s)',
    change: set("loki.ingestionBurst"),
  },
  {
    about: "a typing error in a setting's name",
    config: { loki: { querier: { memori: "2Gi" } } },
    says: "loki.querier.memori: unknown setting. Did you mean memory? Valid: replicas, maxReplicas, cpu, memory, memoryLimit",
    change: takeOut("loki.querier.memori"),
  },
  {
    about: "a fraction of a core as a decimal",
    config: { loki: { querier: { cpu: 0.5 } } },
    says: "loki.querier.cpu: invalid value 0.5 (must be an amount of CPU: cores such as 2, or millicores such as 250m)",
    change: set("loki.querier.cpu"),
  },
  {
    about: "more replicas than the maximum",
    config: { mimir: { querier: { replicas: 8 } } },
    says: "mimir.querier.maxReplicas: invalid value 6 (must be at least mimir.querier.replicas, 8)",
    change: set("mimir.querier.maxReplicas"),
  },
  {
    about: "memory above its limit",
    config: { mimir: { ingester: { memory: "8Gi" } } },
    says: 'mimir.ingester.memoryLimit: invalid value "4Gi" (must be at least mimir.ingester.memory, 8Gi)',
    change: set("mimir.ingester.memoryLimit"),
  },
  {
    about: "a tenant's name with a space",
    config: { mimir: { tenants: { "Team A": { series: 1000 } } } },
    says: 'mimir.tenants.Team A: invalid value {"series":1000} (must not be set: its name is not a Kubernetes name: lowercase letters, digits and dashes, at most 63)',
    change: takeOut("mimir.tenants.Team A"),
  },
  {
    about: "a buffer with older samples than Mimir accepts",
    config: { alloyMetrics: { bufferAge: "6h" } },
    says: 'mimir.limits.outOfOrder: invalid value "2h" (must be at least alloyMetrics.bufferAge, 6h: Mimir would reject samples that were buffered that long)',
    change: set("mimir.limits.outOfOrder"),
  },
  {
    about: "a replication factor above the replicas in dev",
    environment: "dev",
    config: { tempo: { replicationFactor: 3 } },
    says: "tempo.replicationFactor: invalid value 3 (must be at most tempo.ingester.replicas, 1)",
    change: set("tempo.replicationFactor"),
  },
  {
    about: "a query timeout as words",
    config: { queries: { timeout: "5 minutes" } },
    says: 'queries.timeout: invalid value "5 minutes" (must be a duration: a positive integer with unit s, m, h or d, such as 30d)',
    change: set("queries.timeout"),
  },
  {
    about: "a path without its slash",
    config: { alloyLogs: { healthCheckPaths: ["healthz"] } },
    says: 'alloyLogs.healthCheckPaths[0]: invalid value "healthz" (must be a URL path without a query)',
    change: set("alloyLogs.healthCheckPaths[0]"),
  },
  {
    about: "an interval without a unit",
    config: { alloyMetrics: { scrapeInterval: 15 } },
    says: "alloyMetrics.scrapeInterval: invalid value 15 (must be a duration: a positive integer with unit s, m, h or d, such as 30d)",
    change: set("alloyMetrics.scrapeInterval"),
  },
  {
    about: "a ratio in percent",
    config: { tracing: { sampling: { ratio: 10 } } },
    says: "tracing.sampling.ratio: invalid value 10 (must be a number between 0 and 1, such as 0.1)",
    change: set("tracing.sampling.ratio"),
  },
  {
    about: "a ratio for a service named default if the SDKs sample",
    config: { tracing: { sampling: { services: { default: 1 } } } },
    says: 'tracing.sampling.services: invalid value "default" (must be names of Instrumentation objects, because tracing.sampling.appliedBy is sdk: lowercase letters, digits and dashes, at most 63, and not default)',
    change: set("tracing.sampling.services.<name>"),
  },
  {
    about: "a buffer smaller than a few batches",
    config: { alloyTraces: { buffer: "1Mi" } },
    says: 'alloyTraces.buffer: invalid value "1Mi" (must be at least 128Mi, the size of a few batches)',
    change: set("alloyTraces.buffer"),
  },
  {
    about: "an origin without its scheme",
    config: { otlp: { cors: { allowedOrigins: ["shop.example.com"] } } },
    says: 'otlp.cors.allowedOrigins[0]: invalid value "shop.example.com" (must be an origin such as https://shop.example.com or https://*.example.com)',
    change: set("otlp.cors.allowedOrigins[0]"),
  },
  {
    about: "a name instead of true or false",
    config: { openTelemetryOperator: { certManager: "cert-manager" } },
    says: 'openTelemetryOperator.certManager: invalid value "cert-manager" (must be true or false)',
    change: set("openTelemetryOperator.certManager"),
  },
  {
    about: "a component's name as Kubernetes writes it",
    config: { kubePrometheusStack: { controlPlane: ["kube-scheduler"] } },
    says: 'kubePrometheusStack.controlPlane[0]: invalid value "kube-scheduler" (must be one of apiServer, controllerManager, scheduler, etcd, proxy, dns)',
    change: set("kubePrometheusStack.controlPlane[0]"),
  },
  {
    about: "an unterminated regular expression",
    config: { metrics: { also: ["node_(cpu|load"] } },
    says: 'metrics.also[0]: invalid value "node_(cpu|load" (must be a metric\'s name, or a regular expression for several)',
    change: set("metrics.also[0]"),
  },
  {
    about: "a port outside the range of node ports",
    config: { cadvisor: { nodePort: 8080 } },
    says: "cadvisor.nodePort: invalid value 8080 (must be an integer between 30000 and 32767)",
    change: set("cadvisor.nodePort"),
  },
  {
    about: "production with one shared password",
    config: { grafana: { auth: { kind: "local" } } },
    says: 'grafana.auth.kind: invalid value "local" (must be oauth or ldap, because environment is prod: every user needs a personal login)',
    change: set("grafana.auth.kind"),
  },
  {
    about: "an address without its scheme",
    environment: "dev",
    config: { grafana: { url: "grafana.example.com" } },
    says: 'grafana.url: invalid value "grafana.example.com" (must be an http:// or https:// URL of a host, optionally with a port and a path)',
    change: set("grafana.url"),
  },
  {
    about: "passwords through an Ingress without TLS",
    config: { grafana: { ...login, url: "http://grafana.example.com" } },
    says: 'grafana.url: invalid value "http://grafana.example.com" (must be an https:// URL, because grafana.ingress is set: it transports passwords and session cookies)',
    change: set("grafana.url"),
  },
  {
    about: "two Grafanas without a database",
    environment: "dev",
    config: { grafana: { replicas: 2 } },
    says: "grafana.replicas: invalid value 2 (must be 1, or set grafana.database: each replica would have its own users and settings)",
    change: set("grafana.replicas"),
  },
  {
    about: "a plugin without its version",
    environment: "dev",
    config: { grafana: { plugins: ["grafana-clock-panel"] } },
    says: 'grafana.plugins[0]: invalid value "grafana-clock-panel" (must be id@version, or id@version@url of a zip file)',
    change: set("grafana.plugins[0]"),
  },
  {
    about: "a Secret by its path",
    config: { otlp: { ingress: { host: "otlp.example.org", tlsSecret: "otlp/tls" } } },
    says: 'otlp.ingress.tlsSecret: invalid value "otlp/tls" (must be a Kubernetes name: lowercase letters, digits and dashes, at most 63)',
    change: setPlain("otlp.ingress.tlsSecret"),
  },
  {
    about: "a route to an unknown receiver",
    config: { alerting: { routes: [{ receivers: ["oncall"] }] } },
    says: 'alerting.routes[0].receivers: invalid value "oncall" (must be names in alerting.receivers: there are none)',
    change: set("alerting.routes[0].receivers[0]"),
  },
  {
    about: "a channel instead of a webhook",
    config: { alerting: { receivers: { oncall: { slackUrl: "#alerts" } } } },
    says: 'alerting.receivers.oncall.slackUrl: invalid value "[secret]" (must be an http:// or https:// URL)',
    change: setSecret("alerting.receivers.oncall.slackUrl"),
  },
  {
    about: "a schedule instead of a duration",
    config: { alerting: { groupWait: "*/5 * * * *" } },
    says: 'alerting.groupWait: invalid value "*/5 * * * *" (must be a duration: a positive integer with unit s, m, h or d, such as 30d)',
    change: set("alerting.groupWait"),
  },
  {
    about: "a chart value that a setting controls",
    config: { helm: { tempo: { values: { ingester: { replicas: 5 } } } } },
    says: "helm.tempo.values.ingester.replicas: invalid value 5 (must not be set: set tempo.ingester instead)",
    change: takeOut("helm.tempo.values.ingester.replicas"),
  },
];
