/** The stack's own alerts as PrometheusRules. */
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { runbookUid } from "../dashboards/kit";
import { projectFile } from "../files";
import { namespaces, owner, tenants } from "../names";
import type { Settings } from "../settings";
import { sendingAgents } from "../settings/agents";
import { lokiAgentStreams, lokiStreams } from "../settings/protection";
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
  metadata?: { labels: Record<string, string>; annotations?: Record<string, string> },
) => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PrometheusRule",
  metadata: {
    name: `observability-${name}`,
    namespace: namespaces(settings).monitoring,
    ...metadata,
  },
  spec: { groups },
});

/** Tenants of the files of `alerts` that Mimir's ruler evaluates, because Prometheus does not have their metrics. */
const tenantOf: Record<string, string> = {
  certificates: tenants.nodes,
  clusters: tenants.nodes,
  targets: tenants.pods,
};

/** Streams that Loki's tenants may have, and in a hub those that its memory holds. No tenant has a dot in its name. */
const streamLimits = (settings: Settings): Record<string, number> => {
  const agents = sendingAgents(settings);
  return {
    [tenants.logs]: lokiStreams(settings),
    ...(agents.length && { "all.clusters": lokiStreams(settings) }),
    ...Object.fromEntries(agents.map((agent) => [agent, lokiAgentStreams(settings, agent)])),
  };
};

/** Values from the settings that no metric reports: limits, and the expected clusters. */
const settingsRule = (settings: Settings) =>
  prometheusRule(settings, "settings", [
    {
      name: "settings",
      rules: [
        ...Object.entries(streamLimits(settings)).map(([tenant, limit]) => ({
          record: "observability:loki_streams:limit",
          expr: `vector(${limit})`,
          labels: { namespace: namespaces(settings).loki, tenant },
        })),
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

/** File with alerts that a hub evaluates over the tenants of all agents. */
const ofHub = "clusters.yaml";

/** Label and annotation of the files that Mimir's ruler evaluates. */
function evaluation(settings: Settings, file: string, tenant: string) {
  const sources = [tenant, ...sendingAgents(settings)].join(",");
  return {
    labels: { [owner.ruleTenant]: tenant },
    ...(file === ofHub && { annotations: { [owner.sourceTenants]: sources } }),
  };
}

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
    .filter((file) => file !== ofHub || sendingAgents(settings).length > 0)
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
        tenant ? evaluation(settings, file, tenant) : undefined,
      );
    });

/** Credentials of an agent, which its hub issued. */
export interface AgentCredentials {
  /** When the client certificate expires, in the format of RFC 3339. */
  expires: string;
  /** Generation of the passwords. */
  generation: number;
}

/**
 * Expiry and generation of an agent's credentials, which no probe can read: the last `up` of the agent reports them to the
 * hub's ruler.
 */
const credentialsRule = (settings: Settings, { expires, generation }: AgentCredentials) => {
  const labels = {
    namespace: namespaces(settings).alloyMetrics,
    instance: `agent ${settings.cluster.name}`,
  };
  return prometheusRule(settings, "client-certificate", [
    {
      name: "client-certificate",
      rules: [
        {
          record: "observability:client_certificate:expiry",
          expr: `vector(${Date.parse(expires) / 1000})`,
          labels,
        },
        { record: passwordGeneration, expr: `vector(${generation})`, labels },
      ],
    },
  ]);
};

/** The metric with the generation of an agent's passwords, in its tenant. */
export const passwordGeneration = "observability:gateway_passwords:generation";

/** A PrometheusRule for each file of `alerts` without the tests, and one with the recorded settings. */
export const alertRules = (settings: Settings, credentials?: AgentCredentials) => [
  ...fileRules(settings),
  ...(settings.hub ? [] : [settingsRule(settings)]),
  ...(credentials ? [credentialsRule(settings, credentials)] : []),
];
