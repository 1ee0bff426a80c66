/** Distinguishes successful health checks from other entries with OTTL statements: see log-levels.ts. */
import { anyOf } from "./shared";

/** An attribute that no application sends. */
export const checkName = "observability.health_check";
const checkAttribute = `log.attributes["${checkName}"]`;

/** User agents of probers; gRPC probes are recognized by their method instead. */
const probers = [
  ...["kube-probe/", "ELB-HealthChecker/", "GoogleHC/", "UptimeChecks", "Envoy/HC", "Prometheus/"],
  ...["Blackbox Exporter/", "Consul Health Check", "Amazon-Route53-Health-Check", "Edge Health Probe"],
  ...["Load Balancer Agent", "grpc.health.v1.Health"],
];
const browsers = ["Mozilla/", "Opera/"];

/** The path of a request, after its method or as a field. */
const requestFor = (paths: string[]) =>
  String.raw`(?:(?:GET|HEAD)[ |]+"?(?:https?://[^/ ]+)?|(?i:path|uri|url|route|target|endpoint)"?[:=] ?"?)(?:${anyOf(paths)})/?(?:[?][^ "]*)?(?:[ "\\,}]|$)`;

/**
 * A status is searched only in its usual places: an address, a number of bytes or a duration also has three digits.
 * Access logs have it after the protocol (nginx), the path (morgan), a dash (ASP.NET), the client's address (chi), the
 * timers (HAProxy) or a word (Serilog), or between bars (gin).
 */
const field = `(?i:status|code)[a-z_]*"?[:=] ?"?`;
const success = String.raw`HTTP/[\d.]+\\?"? [23]\d\d\b|(?:GET|HEAD) \S+ (?:- )?[23]\d\d\b|[|] +[23]\d\d +[|]|from \S+ - [23]\d\d |(?:\d+/){4}[+]?\d+ [23]\d\d |responded [23]\d\d |${field}(?:[23]\d\d\b|OK\b|0\b)`;
/** A failed status, an error message, or a method that changes data: an application may use a path such as /health. */
const failure = String.raw`${field}[145]\d\d\b|\b(?:error|err)"?[:=] ?"[^"-]|(?i:method)"?[:=] ?"?(?:POST|PUT|PATCH|DELETE)\b`;

/**
 * Sets the attribute of a record that is a successful health check: one line without an error, from a prober or for one
 * of the paths, but not from a browser.
 *
 * @param line attribute with the text of the entry
 */
export const healthCheckStatements = (paths: string[], line = "log.body"): string[] => {
  // A plain text search without an expression is fast; almost no entry contains one of these texts.
  const hasOneOf = (texts: string[]) =>
    `(${texts.map((text) => `Index(${line}, ${JSON.stringify(text)}) >= 0`).join(" or ") || "false"})`;
  const matches = (expression: string) => `IsMatch(${line}, ${JSON.stringify(expression)})`;
  return [
    `set(log.cache["from"], "prober") where ${hasOneOf(probers)}`,
    `set(log.cache["from"], "path") where ${hasOneOf(paths)} and ${matches(requestFor(paths))}`,
    [
      `set(${checkAttribute}, true) where log.cache["from"] != nil`,
      '(log.attributes["level"] == nil or log.attributes["level"] == "info" or log.attributes["level"] == "debug")',
      `not ${hasOneOf([...browsers, "\n"])}`,
      `not ${matches(failure)}`,
      matches(success),
    ].join(" and "),
  ];
};
