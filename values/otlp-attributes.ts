/**
 * OTTL statements with which Alloy changes OTLP signals from applications:
 * https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/pkg/ottl/README.md
 */
import type { Settings } from "../settings";
import { checkName, healthCheckStatements } from "./health-checks";
import { cutStatement } from "./log-filters";
import { levelStatements } from "./log-levels";
import { hasStructuredMetadata } from "./loki-configuration";
import { promotedAttributes } from "./mimir-configuration";

const text = JSON.stringify;
const attribute = (name: string) => `attributes[${text(name)}]`;

/** Sets a missing resource attribute to the first of several other attributes that exists. */
const fallback = (name: string, ...others: string[]) =>
  others.map(
    (other) =>
      `set(${attribute(name)}, ${attribute(other)}) where ${attribute(name)} == nil and ${attribute(other)} != nil`,
  );

/** Resource attributes of each signal, unless the application sets them itself. */
export const resourceStatements = ({ cluster, environment }: Settings): string[] => [
  `set(${attribute("k8s.cluster.name")}, ${text(cluster.name)})`,
  `set(${attribute("deployment.environment")}, ${text(environment)}) where ${attribute("deployment.environment")} == nil`,
  ...fallback("service.namespace", "k8s.namespace.name"),
  // An SDK without a service name sends none or "unknown_service:java": the name of the workload replaces it.
  `delete_key(attributes, "service.name") where IsMatch(${attribute("service.name")}, "^(unknown_service.*)?$")`,
  ...fallback(
    "service.name",
    ...["deployment", "statefulset", "daemonset", "cronjob", "job", "pod"].map((kind) => `k8s.${kind}.name`),
  ),
  `set(${attribute("service.name")}, "unknown_service") where ${attribute("service.name")} == nil`,
];

/** Resource attributes of metrics. */
export const metricStatements = (): string[] => [
  ...Object.entries(promotedAttributes).map(
    ([label, source]) => `set(${attribute(label)}, ${attribute(source)}) where ${attribute(source)} != nil`,
  ),
  // Two pods must not write the same series: https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
  ...[
    ["namespace", "pod", "container"],
    ["namespace", "pod"],
  ].map((parts) => {
    const id = attribute("service.instance.id");
    const names = parts.map((part) => attribute(`k8s.${part}.name`));
    return `set(${id}, Concat([${names.join(", ")}], ".")) where ${id} == nil and ${names.map((name) => `${name} != nil`).join(" and ")}`;
  }),
];

/** Labels of a stream, as resource attributes: the same as for logs from files. */
const logLabels = {
  cluster: "k8s.cluster.name",
  namespace: "k8s.namespace.name",
  pod_name: "k8s.pod.name",
  container_name: "k8s.container.name",
  node_name: "k8s.node.name",
};

/** Resource attributes of logs. */
export const logResourceStatements = (settings: Settings): string[] => [
  // Only the stack's own logs have a unit, and a job with these names.
  'delete_key(attributes, "unit")',
  `set(${attribute("job")}, Concat([${attribute("service.namespace")}, ${attribute("service.name")}], "/"))`,
  ...Object.entries(logLabels).map(([label, source]) => `set(${attribute(label)}, ${attribute(source)})`),
  // Without structured metadata Loki rejects any other attribute.
  hasStructuredMetadata(settings)
    ? `delete_matching_keys(attributes, "^k8s[.](cluster|namespace|pod|container|node)[.]name$")`
    : `keep_keys(attributes, ${text(["service.name", "job", ...Object.keys(logLabels)])})`,
];

/** Without structured metadata Loki also rejects a scope. */
export const logScopeStatements = (settings: Settings): string[] =>
  hasStructuredMetadata(settings)
    ? []
    : ['set(name, "")', 'set(version, "")', 'delete_matching_keys(attributes, ".*")'];

/** The first number of each severity: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const severities = { debug: 1, info: 9, warn: 13, error: 17, fatal: 21 };

const more = 'log.cache["more"]';
const object = 'log.cache["object"]';

/**
 * The line of a log record, and its level. Attributes that Loki cannot store are appended to the line: with
 * `boltdb-shipper` all of them. The IDs of the trace are always appended, so that Grafana can link to it.
 */
export const logStatements = (settings: Settings): string[] => [
  "set(log.time_unix_nano, log.observed_time_unix_nano) where log.time_unix_nano == 0",
  "set(log.time, Now()) where log.time_unix_nano == 0",
  "set(log.body, log.event_name) where log.body == nil",
  "set(log.body, String(log.body)) where not IsString(log.body) and not IsMap(log.body)",

  // The level: the severity, or the level in the attributes or the line.
  'set(log.cache["level"], log.attributes["level"])',
  'set(log.cache["level"], log.severity_text) where log.severity_text != ""',
  ...Object.entries(severities).map(
    ([level, from]) => `set(log.cache["level"], ${text(level)}) where log.severity_number >= ${from}`,
  ),
  // Attributes with the names of labels.
  `replace_all_patterns(log.attributes, "key", "^(service[._]name|namespace|pod_name|container_name|node_name|job|cluster|unit|level)$", "exported_$1")`,
  `set(${more}, ${hasStructuredMetadata(settings) ? "{}" : "log.attributes"})`,
  ...levelStatements(),

  `delete_key(${more}, "exception.stacktrace")`,
  `set(${more}["event_name"], log.event_name) where log.event_name != "" and log.body != log.event_name`,
  ...["trace_id", "span_id"].map(
    (id) => `set(${more}["${id}"], log.${id}.string) where IsMatch(log.${id}.string, "[1-9a-f]")`,
  ),
  `delete_key(${more}, "trace_id") where IsString(log.body) and Index(log.body, log.trace_id.string) >= 0`,

  // JSON stays JSON.
  `set(${object}, log.body) where IsMap(log.body)`,
  String.raw`set(${object}, ParseJSON(log.body)) where IsString(log.body) and IsMatch(log.body, "^\\s*[{]") and Len(${more}) > 0`,
  `merge_maps(${object}, ${more}, "insert") where ${object} != nil`,
  `set(${object}["exception.stacktrace"], log.attributes["exception.stacktrace"]) where ${object} != nil and log.attributes["exception.stacktrace"] != nil`,
  `set(log.body, String(${object})) where ${object} != nil`,
  // In text, attributes follow at the end, and a stack trace below.
  String.raw`replace_pattern(log.body, "\\s+$", "")`,
  `set(log.body, Concat([log.body, ToKeyValueString(${more}, "=", " ", true)], " ")) where ${object} == nil and Len(${more}) > 0`,
  String.raw`set(log.body, Concat([log.body, log.attributes["exception.stacktrace"]], "\n")) where ${object} == nil and log.attributes["exception.stacktrace"] != nil`,
  cutStatement,

  // Successful health checks, identified by the line or the attributes.
  'set(log.cache["line"], Concat([log.body, ToKeyValueString(log.attributes, "=", " ", true)], " "))',
  ...healthCheckStatements(settings.alloyLogs.healthCheckPaths, 'log.cache["line"]'),

  ...(hasStructuredMetadata(settings)
    ? [
        'delete_key(log.attributes, "exception.stacktrace")',
        // Loki rejects an entry with more than 64 KiB of structured metadata.
        "truncate_all(log.attributes, 16384)",
      ]
    : [
        `keep_keys(log.attributes, ["level", "${checkName}"])`,
        "set(log.observed_time_unix_nano, 0)",
        'set(log.event_name, "")',
        'set(log.severity_text, "")',
        "set(log.severity_number, 0)",
        "set(log.flags, 0)",
        "set(log.dropped_attributes_count, 0)",
        "set(log.trace_id, TraceID(0x00000000000000000000000000000000))",
        "set(log.span_id, SpanID(0x0000000000000000))",
      ]),
];
