/**
 * Downsampling with recording rules of Mimir's ruler. They read the tenants `pods` and `nodes`, and write one sample of
 * each series every 5 minutes to one tenant, and every hour to another. Mimir itself has no downsampling:
 * https://grafana.com/docs/mimir/latest/references/architecture/components/ruler/#federated-rule-groups
 */
import { namespaces, owner, rawTenants, tenants } from "../names";
import type { Settings } from "../settings";
import { goDuration } from "../settings/units";
import type { Values } from "./shared";

/** Rulers share the groups, and evaluate the rules of a group one after the other. */
const rulesInGroup = 20;

/** One resolution: its tenant, the interval of its samples, and their retention. */
export interface Rollup {
  tenant: string;
  /** In seconds. */
  every: number;
  /** In seconds. */
  retention: number;
}

/** The resolutions, the finest first. If downsampling is off, existing data still has its retention. */
const rollupsOf = ({ mimir: { rollups } }: Pick<Settings, "mimir">): Rollup[] => [
  { tenant: tenants.rollup5m, every: 300, retention: rollups.fiveMinutes.retention },
  { tenant: tenants.rollup1h, every: 3600, retention: rollups.oneHour.retention },
];

/**
 * Overrides of the downsampled tenants, in Mimir's format. The ruler writes the result of a rule at once, so the burst
 * must cover every series.
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
 * The rules of one resolution. A series keeps its name and labels, so that the same queries work. Both resolutions are
 * recorded from raw data. An average of averages would give a window with few samples the weight of one with many. A
 * window that the first resolution missed would also be missing in the second.
 */
function rules({ mimir: { rollups } }: Settings, every: number) {
  const range = goDuration(every);
  // A query over several tenants adds the tenant as a label; no series is in both.
  const rule = (name: string, of: string) => ({
    record: name,
    expr: `max without (__tenant_id__) (${of}(${name}[${range}]))`,
  });
  return [
    ...rollups.gauges.map((name) => rule(name, "avg_over_time")),
    ...rollups.counters.map((name) => rule(name, "last_over_time")),
  ];
}

/** A PrometheusRule for each resolution, which Alloy loads into Mimir's ruler; none if downsampling is off. */
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
