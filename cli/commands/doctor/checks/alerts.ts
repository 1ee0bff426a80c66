import { existsSync } from "node:fs";
import { join } from "node:path";
import { mimirTenants, namespaces } from "../../../../names";
import type { Settings } from "../../../../settings";
import { sendingAgents } from "../../../../settings/agents";
import { fromPrometheus } from "../../../lib/prometheus";
import { root } from "../../../lib/stack-config";
import { grouped } from "../../../lib/text";
import { requestPod } from "../../../lib/tunnel";
import { type Check, type Context, type Finding, findingIn, type Severity } from "../check";

/** An alert, as the APIs of Prometheus and of Mimir's ruler have it. */
export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
  activeAt: string;
}

/** A group of rules of those APIs. */
export interface RuleGroup {
  name: string;
  rules: { name: string; health: string; lastError?: string; alerts?: Alert[] }[];
}

const finding = findingIn("signals");

/** Rules whose last evaluation failed: one finding for each group. */
export function judgeRules(by: string, groups: RuleGroup[], page: string): Finding[] {
  return groups.flatMap(({ name, rules }): Finding[] => {
    const failed = rules.filter(({ health }) => health === "err");
    const [first] = failed;
    if (!first) return [];
    return [
      finding.warning(
        `${by} cannot evaluate ${failed.length} of ${rules.length} rules of group ${name}`,
        `${first.name}: ${(first.lastError ?? "").slice(0, 300)}`,
        "fix the query, or the metrics that it reads",
        page,
      ),
    ];
  });
}

/** Alerts on data that is lost already while they are pending; their runbooks have the fix for each reason. */
const lossy = ["LogsRejected", "MetricsRejected", "TracesRejected"];

/**
 * How bad an alert is for the stack; undefined if it is about something else. Alerts in the namespace monitoring are
 * about the cluster, because exporters there collect their metrics.
 */
function severityOf(settings: Settings, { labels, state }: Alert): Severity | undefined {
  const { alertname = "", severity, team, namespace = "" } = labels;
  if (severity !== "critical" && severity !== "warning") return undefined;
  const { monitoring, ...others } = namespaces(settings);
  const own = team === "observability" || Object.values(others).includes(namespace);
  if (own) return state === "firing" || lossy.includes(alertname) ? severity : "note";
  if (state !== "firing" || (namespace && namespace !== monitoring)) return undefined;
  return severity === "critical" ? severity : "note";
}

/** What an alert is about, which it shares with its other severities: values/alertmanager.ts */
const subjectOf = ({ labels }: Alert) =>
  [labels["cluster"], labels["alertname"], labels["namespace"], labels["signal"]].join(" ");

/**
 * Alerts that fire, or are about to: one finding for each name, severity, tenant and reason. A critical alert inhibits its
 * warning.
 */
export function judgeAlerts(settings: Settings, groups: RuleGroup[]): Finding[] {
  const alerts = groups.flatMap(({ rules }) => rules.flatMap((rule) => rule.alerts ?? []));
  const isCritical = ({ labels }: Alert) => labels["severity"] === "critical";
  const critical = new Set(
    alerts.filter((alert) => isCritical(alert) && alert.state === "firing").map(subjectOf),
  );
  const all = alerts
    .filter((alert) => isCritical(alert) || !critical.has(subjectOf(alert)))
    .flatMap((alert) => {
      const severity = severityOf(settings, alert);
      return severity ? [{ ...alert, severity }] : [];
    });
  const alike = grouped(all, ({ labels: { cluster, alertname, tenant, user, reason }, severity, state }) =>
    [cluster, alertname, tenant, user, reason, severity, state].join(" "),
  );
  return [...alike.values()].map((same) => {
    const [{ labels, annotations, state, activeAt, severity }] = same;
    const { summary, description = summary, runbook_url: runbook = "" } = annotations;
    const page = `docs/operations/runbooks/${labels["alertname"]}.md`;
    const agent = labels["cluster"] && labels["cluster"] in settings.agents ? ` in ${labels["cluster"]}` : "";
    const more = same.length > 1 ? `; ${same.length - 1} more like it` : "";
    return finding[severity](
      `alert ${labels["alertname"]} ${state === "firing" ? "fires" : "is pending"}${agent}: ${summary ?? ""}`,
      `since ${activeAt.slice(0, 19)}Z: ${(description ?? "").trim().slice(0, 300)}${more}`,
      `follow its runbook ${runbook}; the alert resolves a few minutes after its cause`,
      existsSync(join(root, page)) ? page : "docs/operations/runbook.md",
    );
  });
}

/** The rules of Mimir's tenants, and of agents. If its ruler is unavailable, the checks of pods and rings report it. */
async function mimirGroups({
  config,
  settings,
}: Context): Promise<{ tenant: string; groups: RuleGroup[] }[]> {
  const selector = "app.kubernetes.io/component=ruler";
  const ruler = { namespace: namespaces(settings).mimir, selector, port: 8080 };
  return Promise.all(
    [...mimirTenants(settings), ...sendingAgents(settings)].map(async (tenant) => {
      const headers = { "X-Scope-OrgID": tenant };
      const answer = await requestPod(config, ruler, "/prometheus/api/v1/rules", { headers }).catch(
        () => undefined,
      );
      return { tenant, groups: answer?.status === 200 ? JSON.parse(answer.body).data.groups : [] };
    }),
  );
}

/** Alerts of Prometheus and of Mimir's ruler, and rules that they cannot evaluate. */
export const check: Check = {
  name: "alerts",
  async look(context) {
    const [{ groups }, tenants] = await Promise.all([
      fromPrometheus(context, "/api/v1/rules") as Promise<{ groups: RuleGroup[] }>,
      mimirGroups(context),
    ]);
    return [
      ...judgeAlerts(context.settings, [...groups, ...tenants.flatMap((one) => one.groups)]),
      ...judgeRules("Prometheus", groups, "docs/operations/runbook.md#components"),
      ...tenants.flatMap((one) =>
        judgeRules(
          `Mimir's ruler (tenant ${one.tenant})`,
          one.groups,
          "docs/operations/runbooks/MimirRuleEvaluationFailing.md",
        ),
      ),
    ];
  },
};
