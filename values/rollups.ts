/**
 * Roll-ups (R14): recording rules of Mimir's ruler that read the tenants `pods` and `nodes` and write into a tenant of
 * their own what is left of each series: one sample every 5 minutes, and one every hour. Mimir itself has no downsampling:
 * https://grafana.com/docs/mimir/latest/references/architecture/components/ruler/#federated-rule-groups
 */
import { namespaces, owner, rawTenants, tenants } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import type { Values } from "./shared";

/** Mimir refuses a group of more rules: `ruler_max_rules_per_rule_group`. */
const rulesInGroup = 20;

/** One roll-up: the tenant that holds it, the seconds between two samples, and how long they are kept. */
export interface Rollup {
  tenant: string;
  /** In seconds. */
  every: number;
  /** In seconds. */
  retention: number;
}

/** The roll-ups, the finest first. Where they are off, what was rolled up before still has its retention. */
export const rollupsOf = ({ mimir: { rollups } }: Pick<Settings, "mimir">): Rollup[] => [
  { tenant: tenants.rollup5m, every: 300, retention: rollups.fiveMinutes.retention },
  { tenant: tenants.rollup1h, every: 3600, retention: rollups.oneHour.retention },
];

/**
 * What the tenants of the roll-ups have of their own, in Mimir's words. The ruler writes what a rule gives at once, so
 * that a burst holds every series.
 */
export const rollupOverrides = (settings: Settings): Record<string, Values> => {
  const { series, delay } = settings.mimir.rollups;
  return Object.fromEntries(
    rollupsOf(settings).map(({ tenant, retention }) => [
      tenant,
      {
        max_global_series_per_user: series,
        ingestion_burst_size: Math.max(series, settings.mimir.limits.burst),
        compactor_blocks_retention_period: goDuration(retention),
        ruler_evaluation_delay_duration: goDuration(delay),
      },
    ]),
  );
};

/**
 * The rules of one roll-up. A series keeps its name and labels, so that the same queries find it. Both are made of the
 * raw data: an average of averages would weigh a window with few samples like one with many, and a window that the first
 * roll-up missed would be missing in the second too.
 */
function rules({ mimir: { rollups } }: Settings, every: number) {
  const range = goDuration(every);
  // A query over several tenants says which one each series is of; no series is in both.
  const rule = (name: string, of: string) => ({
    record: name,
    expr: `max without (__tenant_id__) (${of}(${name}[${range}]))`,
  });
  return [
    ...rollups.gauges.map((name) => rule(name, "avg_over_time")),
    ...rollups.counters.map((name) => rule(name, "last_over_time")),
  ];
}

/** A PrometheusRule for each roll-up, which Alloy loads into Mimir's ruler; none where roll-ups are off. */
export const rollupRules = (settings: Settings) =>
  (settings.mimir.rollups.enabled ? rollupsOf(settings) : []).map(({ tenant, every }) => {
    const all = rules(settings, every);
    return {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: {
        name: `observability-${tenant}`,
        namespace: namespaces(settings).monitoring,
        labels: { [owner.ruleTenant]: tenant },
        annotations: { [owner.sourceTenants]: rawTenants.join(",") },
      },
      spec: {
        groups: Array.from({ length: Math.ceil(all.length / rulesInGroup) }, (_, index) => ({
          name: `${tenant}-${index + 1}`,
          interval: goDuration(every),
          rules: all.slice(index * rulesInGroup, (index + 1) * rulesInGroup),
        })),
      },
    };
  });
