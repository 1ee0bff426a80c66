/** The stack's own alerts as PrometheusRules. */
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { runbookUid } from "../dashboards/kit";
import { projectFile } from "../files";
import { namespaces, owner, tenants } from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { lokiStreams } from "../settings/protection";
import { renamed } from "./renamed";

interface Rule {
  alert?: string;
  record?: string;
  expr?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** A file of `alerts`. */
interface RuleFile {
  groups: { name: string; rules: Rule[] }[];
}

/** Links to an alert's runbook page and its dashboard; the files contain a page and a UID. */
function withLinks({ grafana, alerting }: Settings, rule: Rule): Rule {
  const { alert, annotations } = rule;
  if (!alert || !annotations) return rule;
  const base = grafana.url.replace(/\/$/, "");
  const { dashboard, ...rest } = annotations;
  return {
    ...rule,
    annotations: {
      ...rest,
      runbook_url: alerting.runbooks
        ? `${alerting.runbooks.replace(/\/$/, "")}/${alert}.md`
        : `${base}/d/${runbookUid(alert)}`,
      ...(dashboard && { dashboard_url: `${base}/d/${dashboard}` }),
    },
  };
}

const prometheusRule = (
  settings: Settings,
  name: string,
  groups: RuleFile["groups"],
  labels?: Record<string, string>,
) => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PrometheusRule",
  metadata: {
    name: `observability-${name}`,
    namespace: namespaces(settings).monitoring,
    ...(labels && { labels }),
  },
  spec: { groups },
});

/** Tenants of the files of `alerts` that Mimir's ruler evaluates, because Prometheus does not have their metrics. */
const tenantOf: Record<string, string> = {
  certificates: tenants.nodes,
  targets: tenants.pods,
};

/** Values from the settings that no metric reports: limits, and the expected clusters. */
const settingsRule = (settings: Settings) =>
  prometheusRule(settings, "settings", [
    {
      name: "settings",
      rules: [
        {
          record: "observability:loki_streams:limit",
          expr: `vector(${lokiStreams(settings)})`,
          labels: { namespace: namespaces(settings).loki },
        },
        ...sendingAgents(settings).map((agent) => ({
          record: "observability:agent:listed",
          expr: "vector(1)",
          labels: { agent },
        })),
        ...(settings.backups.destination
          ? [
              {
                record: "observability:backup_age_seconds:limit",
                expr: `vector(${settings.backups.maxAge})`,
              },
            ]
          : []),
      ],
    },
  ]);

/** Files with alerts that also apply to agents. The hub evaluates them. */
const ofAgents = ["certificates.yaml", "collectors.yaml", "targets.yaml"];

const parsed = new Map<string, RuleFile["groups"]>();

/** The groups of a file, which is parsed once: tests compute the rules of many stacks. */
function groupsIn(file: string): RuleFile["groups"] {
  const known = parsed.get(file) ?? parse(readFileSync(projectFile("alerts", file), "utf8")).groups;
  parsed.set(file, known);
  return known;
}

const fileRules = (settings: Settings) =>
  readdirSync(projectFile("alerts"))
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"))
    .filter((file) => !settings.hub || ofAgents.includes(file))
    .sort()
    .map((file) => {
      const groups = groupsIn(file);
      const name = file.replace(".yaml", "");
      const tenant = tenantOf[name];
      return prometheusRule(
        settings,
        name,
        groups.map((group) => ({
          ...group,
          rules: group.rules.map((rule) => withLinks(settings, renamed(settings, rule))),
        })),
        tenant ? { [owner.ruleTenant]: tenant } : undefined,
      );
    });

/**
 * Expiry of an agent's client certificate, which no probe can read: the last `up` of the agent reports it to the hub's
 * ruler.
 */
const clientCertificateRule = (settings: Settings, expires: string) =>
  prometheusRule(settings, "client-certificate", [
    {
      name: "client-certificate",
      rules: [
        {
          record: "observability:client_certificate:expiry",
          expr: `vector(${Date.parse(expires) / 1000})`,
          labels: {
            namespace: namespaces(settings).alloyMetrics,
            instance: `agent ${settings.cluster.name}`,
          },
        },
      ],
    },
  ]);

/**
 * A PrometheusRule for each file of `alerts` without the tests, and one with the recorded settings.
 *
 * @param clientCertificateExpires of an agent, in the format of RFC 3339
 */
export const alertRules = (settings: Settings, clientCertificateExpires?: string) => [
  ...fileRules(settings),
  ...(settings.hub ? [] : [settingsRule(settings)]),
  ...(clientCertificateExpires ? [clientCertificateRule(settings, clientCertificateExpires)] : []),
];
