/** Rules about Grafana: login, Ingress, database. */
import { type Check, problem } from "./check";

/** Several replicas show the same data only if they share a database. */
const grafanaReplicas: Check = ({ grafana }) =>
  problem(
    grafana.replicas > 1 && !grafana.database,
    "grafana.replicas",
    grafana.replicas,
    "1, or set grafana.database: each replica would have its own users and settings",
  );

/**
 * The identity provider and its secret must be configured, and production needs personal logins instead of one shared
 * password.
 */
const grafanaAuth: Check = ({ environment, grafana }) => {
  const { kind, oauth, ldap } = grafana.auth;
  const lacks = (path: string, isSecret = false) =>
    problem(
      true,
      path,
      undefined,
      isSecret
        ? "a secret (set with --secret), or set grafana.existingSecret"
        : `set, because grafana.auth.kind is ${kind}`,
    );
  const outside = grafana.existingSecret !== undefined;
  return [
    ...problem(
      environment === "prod" && kind === "local",
      "grafana.auth.kind",
      kind,
      "oauth or ldap, because environment is prod: every user needs a personal login",
    ),
    ...(kind === "oauth" && !oauth ? lacks("grafana.auth.oauth") : []),
    ...(kind === "oauth" && oauth && !oauth.clientSecret && !outside
      ? lacks("grafana.auth.oauth.clientSecret", true)
      : []),
    ...(kind === "ldap" && !ldap ? lacks("grafana.auth.ldap") : []),
    ...(kind === "ldap" && ldap && !ldap.bindPassword && !outside
      ? lacks("grafana.auth.ldap.bindPassword", true)
      : []),
    ...(grafana.database && !grafana.database.password && !outside
      ? lacks("grafana.database.password", true)
      : []),
  ];
};

const grafanaIngress: Check = ({ grafana }) =>
  problem(
    grafana.ingress !== undefined && !grafana.url.startsWith("https://"),
    "grafana.url",
    grafana.url,
    "an https:// URL, because grafana.ingress is set: it transports passwords and session cookies",
  );

export const grafanaChecks: Check[] = [grafanaReplicas, grafanaAuth, grafanaIngress];
