import { mimirTenants, namespaces } from "../../../../names";
import { type Check, type Context, type Finding, findingIn } from "../check";
import { total } from "../metrics";
import { fromPrometheus, query } from "../prometheus";
import { askPod, type Reading, readings, talkers } from "../readings";

/** Rules as the APIs of Prometheus and of Mimir's ruler have them. */
export interface RuleGroup {
  name: string;
  rules: { name: string; health: string; lastError?: string }[];
}

/** Rules whose last evaluation failed: one finding for each group. */
export function judgeRules(by: string, groups: RuleGroup[], page: string): Finding[] {
  return groups.flatMap(({ name, rules }): Finding[] => {
    const failed = rules.filter(({ health }) => health === "err");
    const [first] = failed;
    if (!first) return [];
    return [
      {
        severity: "warning",
        layer: "signals",
        what: `${by} cannot evaluate ${failed.length} of ${rules.length} rules of group ${name}`,
        evidence: `${first.name}: ${(first.lastError ?? "").slice(0, 300)}`,
        fix: "mend what its query asks, or the query",
        page,
      },
    ];
  });
}

/** What Alertmanagers and rulers tell of configurations and notifications. */
export function judgeAlerting(one: Reading): Finding[] {
  const { component, namespace, pod, now, grown, seconds } = one;
  const finding = findingIn("signals");
  const say = `kubectl -n ${namespace} logs ${pod} --tail=50`;
  const found: Finding[] = [];
  for (const name of [
    "prometheus_config_last_reload_successful",
    "alertmanager_config_last_reload_successful",
    "cortex_alertmanager_config_last_reload_successful",
    "cortex_ruler_config_last_reload_successful",
  ])
    for (const { labels, value } of now(name).filter(({ value }) => value === 0))
      found.push({
        ...finding(
          "critical",
          `${namespace}/${pod} could not load its configuration${labels["user"] ? ` of tenant ${labels["user"]}` : ""}, and works by the one before`,
          `${name} is ${value}`,
          `what it says of it: ${say}`,
          name.startsWith("cortex")
            ? "docs/operations/runbooks/AlertmanagerNotDelivering.md"
            : "docs/operations/runbook.md#components",
        ),
        layer: "components",
      });
  for (const name of [
    "alertmanager_notifications_failed_total",
    "cortex_alertmanager_notifications_failed_total",
    "cortex_prometheus_notifications_dropped_total",
    "prometheus_notifications_dropped_total",
  ]) {
    const lost = grown(name).filter(({ value }) => value > 0);
    if (lost.length)
      found.push(
        finding(
          "warning",
          `alerts of ${component} do not reach ${[...new Set(lost.map(({ labels }) => labels["integration"] ?? "their Alertmanager"))].join(", ")}`,
          `${name} grew by ${total(lost)} within ${seconds.toFixed(0)} s`,
          `is the receiver of alerting.receivers right? ${say}`,
          "docs/operations/runbooks/AlertmanagerNotDelivering.md",
        ),
      );
  }
  return found;
}

/** The rules of Mimir's tenants, as its ruler has them; those of one that does not answer are not judged. */
async function mimirRules(context: Context): Promise<Finding[]> {
  const rulers = (await talkers(context)).filter(
    ({ component, ready }) => component === "mimir-ruler" && ready,
  );
  const [ruler] = rulers;
  if (!ruler) return [];
  const found = await Promise.all(
    mimirTenants(context.settings).map(async (tenant) => {
      const headers = { "X-Scope-OrgID": tenant };
      const { status, body } = await askPod(context, ruler, "/prometheus/api/v1/rules", headers);
      if (status !== 200) return [];
      const { data } = JSON.parse(body) as { data: { groups: RuleGroup[] } };
      return judgeRules(
        `Mimir's ruler (tenant ${tenant})`,
        data.groups,
        "docs/operations/runbooks/MimirRuleEvaluationFailing.md",
      );
    }),
  );
  return found.flat();
}

/** Whether rules are evaluated, alerts delivered and configurations taken. */
export const check: Check = {
  name: "rules and alerts",
  async look(context) {
    const [all, own, mimirs, failed] = await Promise.all([
      readings(context),
      fromPrometheus(context, "/api/v1/rules?exclude_alerts=true"),
      mimirRules(context),
      // A receiver is tried again ever more seldom.
      query(
        context,
        `sum by (integration) (increase(alertmanager_notifications_failed_total{namespace="${namespaces(context.settings).monitoring}"}[3m])) > 0`,
      ),
    ]);
    const alerting = all.flatMap(judgeAlerting);
    const told = alerting.some(({ what }) => what.startsWith("alerts of alertmanager"));
    const past: Finding[] = (told ? [] : (failed ?? [])).map(({ labels, value }) => ({
      severity: "warning",
      layer: "signals",
      what: `alerts of alertmanager do not reach ${labels["integration"]}`,
      evidence: `alertmanager_notifications_failed_total grew by ${Math.ceil(value)} within 3 minutes`,
      fix: "is the receiver of alerting.receivers right? kubectl -n monitoring logs -l app.kubernetes.io/name=alertmanager --tail=50",
      page: "docs/operations/runbooks/AlertmanagerNotDelivering.md",
    }));
    return [
      ...alerting,
      ...past,
      ...judgeRules("Prometheus", own?.groups ?? [], "docs/operations/runbook.md#components"),
      ...mimirs,
    ];
  },
};
