import { namespaces, tenants } from "../../../../names";
import type { Settings } from "../../../../settings";
import { queryMimir, queryPrometheus, type Sample } from "../../../lib/prometheus";
import type { Check, Finding, Layer } from "../check";

/** A query whose series are all findings. What an alert covers is not repeated here. */
export interface Threshold {
  promql: string;
  layer: Layer;
  page: string;
  /** A tenant of Mimir that has the metrics. @default Prometheus has them */
  tenant?: string;
  /** Value from which on the finding is critical. */
  critical?: number;
  text(sample: Sample): Pick<Finding, "what" | "evidence" | "fix">;
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

const ours = (settings: Settings) => `namespace=~"${Object.values(namespaces(settings)).join("|")}"`;

/** Scrape targets of the stack that have been down for three minutes, without those that no longer exist. */
const down = (settings: Settings, scraper: string, tenant?: string): Threshold => ({
  promql: `(max_over_time(up{${ours(settings)}}[3m]) == 0) and up{${ours(settings)}}`,
  layer: "components",
  page: "docs/operations/runbooks/StackTargetMissing.md",
  ...(tenant && { tenant }),
  text: ({ labels: { namespace, pod, instance, job } }) => ({
    what: `${scraper} cannot scrape ${namespace}/${pod ?? instance} (job ${job})`,
    evidence: `up is 0 for ${instance}`,
    fix: `check that it runs (kubectl -n ${namespace} get pods) and that ${scraper} may connect to it (docs/guides/network.md)`,
  }),
});

export const thresholds = (settings: Settings): Threshold[] => [
  down(settings, "Prometheus"),
  down(settings, "Alloy", tenants.nodes),
  {
    promql: `max by (tenant) (tempo_ingester_live_traces)
      / scalar(max(tempo_limits_defaults{limit_name="max_local_traces_per_user"}) > 0) > 0.8`,
    layer: "signals",
    page: "docs/operations/runbooks/TracesRejected.md",
    text: ({ labels: { tenant = "" }, value }) => ({
      what: `tenant ${tenant} of Tempo has ${percent(value)} of the live traces that it may have`,
      evidence: "tempo_ingester_live_traces and tempo_limits_defaults",
      fix: `raise ${tenant in settings.agents ? `agents.${tenant}.tempo` : "tempo.limits"}.liveTraces, or sample more strictly (tracing.sampling)`,
    }),
  },
  {
    promql: `max by (bucket) (minio_bucket_usage_total_bytes)
      / (max by (bucket) (minio_bucket_quota_total_bytes) > 0) > 0.9`,
    layer: "storage",
    critical: 0.95,
    page: "docs/operations/runbooks/MinioStorageFilling.md",
    text: ({ labels: { bucket }, value }) => ({
      what: `bucket ${bucket} has ${percent(value)} of its quota`,
      evidence: "minio_bucket_usage_total_bytes and minio_bucket_quota_total_bytes",
      fix: "raise the bucket's quota in objectStorage.buckets, or shorten the retention of its data",
    }),
  },
  {
    promql: "max by (namespace, pod) (loki_ingester_wal_disk_usage_percent) > 0.8",
    layer: "cluster",
    critical: 0.9,
    page: "docs/operations/runbook.md#storage",
    text: ({ labels: { namespace, pod }, value }) => ({
      what: `the volume of the WAL of ${namespace}/${pod} is ${percent(value)} full`,
      evidence: `loki_ingester_wal_disk_usage_percent is ${value.toFixed(2)}; above 0.9 Loki writes no WAL`,
      fix: "raise loki.ingester.disk, unless chunks are not flushed to the bucket",
    }),
  },
  {
    promql: "sum by (namespace, pod) (increase(cortex_ingester_tsdb_wal_writes_failed_total[3m])) > 0",
    layer: "components",
    page: "docs/operations/runbook.md#storage",
    text: ({ labels: { namespace, pod }, value }) => ({
      what: `${namespace}/${pod} cannot write its WAL`,
      evidence: `cortex_ingester_tsdb_wal_writes_failed_total grew by ${Math.ceil(value)} within 3 minutes`,
      fix: `kubectl -n ${namespace} logs ${pod} --tail=50`,
    }),
  },
];

/** Findings of the series that are past a threshold. */
export const judgeThreshold = (
  { layer, page, critical = Infinity, text }: Threshold,
  samples: Sample[],
): Finding[] =>
  samples.map((sample) => ({
    severity: sample.value > critical ? "critical" : "warning",
    layer,
    page,
    ...text(sample),
  }));

/** Targets that are down, limits, quotas and WALs, with the setting to change. */
export const check: Check = {
  name: "thresholds",
  async look(context) {
    const { settings } = context;
    const found = thresholds(settings).map(async (one) => {
      const samples = one.tenant
        ? // If Mimir is unavailable, the checks of pods, rings and gateways report it.
          await queryMimir(context, one.tenant, one.promql).catch(() => [])
        : await queryPrometheus(context, one.promql);
      return judgeThreshold(one, samples);
    });
    return (await Promise.all(found)).flat();
  },
};
