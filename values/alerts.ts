/** The stack's own alerts, as Prometheus Operator reads them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { runbookUid } from "../dashboards/kit";
import { namespaces } from "../names";
import type { Settings } from "../settings";

interface Rule {
  alert?: string;
  annotations?: Record<string, string>;
}

/** A file of `alerts`. */
interface RuleFile {
  groups: { name: string; rules: Rule[] }[];
}

/** Addresses of an alert's runbook page and of the dashboard to look at; the files name a page and a uid. */
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

/** A PrometheusRule for each file of `alerts`, from the project's folder; the tests beside them are left out. */
export const alertRules = (settings: Settings) =>
  readdirSync("alerts")
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"))
    .sort()
    .map((file) => {
      const { groups } = parse(readFileSync(join("alerts", file), "utf8")) as RuleFile;
      return {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: { name: `observability-${file.replace(".yaml", "")}`, namespace: namespaces.monitoring },
        spec: {
          groups: groups.map((group) => ({
            ...group,
            rules: group.rules.map((rule) => withLinks(settings, rule)),
          })),
        },
      };
    });
