import { namespaces, type Store, tenants } from "../../../../names";
import type { Settings } from "../../../../settings";
import { queryMimir, queryPrometheus, type Sample } from "../../../lib/prometheus";
import type { Check, Finding, Layer } from "../check";

/** A query whose series are all findings, at once and with the setting to change; alerts wait for minutes. */
export interface Threshold {
  promql: string;
  layer: Layer;
  page: string;
  /** A tenant of Mimir that has the metrics. @default Prometheus has them */
  tenant?: string;
  /** Value from which on the finding is critical. */
  critical?: number;
  text(sample: Sample, settings: Settings): Pick<Finding, "what" | "evidence" | "fix">;
}

/** The settings with a tenant's limits. An agent's are in the hub's list. */
const limitsOf = ({ agents }: Settings, store: Store, tenant: string): string =>
  tenant in agents
    ? `agents.${tenant}.${store}`
    : { loki: "loki", mimir: `mimir.tenants.${tenant}`, tempo: "tempo.limits" }[store];

/** The setting that raises a limit, or another fix, by the reason that a store gives. */
export function remedy(settings: Settings, store: Store, reason: string, tenant: string): string {
  const limits = limitsOf(settings, store, tenant);
  const clock =
    "synchronize the clocks of the nodes that send it: timestamps are more than 10 minutes in the future. Rejected data is lost";
  const remedies: Record<Store, Record<string, string>> = {
    loki: {
      too_far_in_future: clock,
      rate_limited: `raise ${limits}.ingestionRate and .ingestionBurst, or log less`,
      per_stream_rate_limit: "split the stream by another label, or log less",
      stream_limit: "labels have too many values: find them with the dashboard Loki operations",
      line_too_long: "log shorter lines",
      blocked_ingestion_policy: `compare cluster.name in the stack of agent ${tenant} with agents.${tenant}: the lines name another cluster`,
      greater_than_max_sample_age: "none: these lines are older than Loki accepts, as after a long outage",
    },
    mimir: {
      too_far_in_future: clock,
      rate_limited: `raise ${limits}.samplesPerSecond and .burst, or send less`,
      per_user_series_limit: `raise ${limits}.series, or send fewer series`,
      per_metric_series_limit: "one metric has too many series: drop one of its labels",
    },
    tempo: {
      rate_limited: `raise ${limits}.rate and .burst, or sample more strictly (tracing.sampling)`,
      live_traces_exceeded: `raise ${limits}.liveTraces, or sample more strictly (tracing.sampling)`,
      trace_too_large: `raise ${limits}.traceSize, or end traces sooner`,
    },
  };
  return (
    remedies[store][reason] ??
    `read the reason in its log: kubectl -n ${store} logs -l app.kubernetes.io/component=distributor --tail=50`
  );
}

const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

/** Data that a store rejected in the last minutes, by tenant and reason. */
const rejected = (store: Store, what: string, metric: string, page: string): Threshold => ({
  promql: `sum by (tenant, user, reason) (increase(${metric}[3m])) >= 1`,
  layer: "signals",
  page: `docs/operations/runbooks/${page}.md`,
  text({ labels: { tenant = "", user = tenant, reason = "" }, value }, settings) {
    return {
      what: `${store} rejects ${what} of tenant ${user}: ${reason}`,
      evidence: `${metric}: ${Math.round(value)} ${what} within 3 minutes`,
      fix: remedy(settings, store, reason, user),
    };
  },
});

/** Scrape targets of the stack that have been down for three minutes. */
const down = (settings: Settings, scraper: string, tenant?: string): Threshold => ({
  promql: `max_over_time(up{namespace=~"${Object.values(namespaces(settings)).join("|")}"}[3m]) == 0`,
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
  rejected("loki", "lines", "loki_discarded_samples_total", "LogsRejected"),
  rejected("mimir", "samples", "cortex_discarded_samples_total", "MetricsRejected"),
  rejected("tempo", "spans", "tempo_discarded_spans_total", "TracesRejected"),
  down(settings, "Prometheus"),
  down(settings, "Alloy", tenants.nodes),
  {
    promql: `max by (tenant) (tempo_ingester_live_traces)
      / scalar(max(tempo_limits_defaults{limit_name="max_local_traces_per_user"}) > 0) > 0.8`,
    layer: "signals",
    page: "docs/operations/runbooks/TracesRejected.md",
    text: ({ labels: { tenant = "" }, value }, all) => ({
      what: `tenant ${tenant} of Tempo has ${percent(value)} of the live traces that it may have`,
      evidence: "tempo_ingester_live_traces and tempo_limits_defaults",
      fix: remedy(all, "tempo", "live_traces_exceeded", tenant),
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
  settings: Settings,
  { layer, page, critical = Infinity, text }: Threshold,
  samples: Sample[],
): Finding[] =>
  samples.map((sample) => ({
    severity: sample.value > critical ? "critical" : "warning",
    layer,
    page,
    ...text(sample, settings),
  }));

/** Rejected data, targets that are down, limits, quotas and WALs, with the setting to change. */
export const check: Check = {
  name: "thresholds",
  async look(context) {
    const { settings } = context;
    const found = thresholds(settings).map(async (one) => {
      const samples = one.tenant
        ? // If Mimir is unavailable, the checks of pods, rings and gateways report it.
          await queryMimir(context, one.tenant, one.promql).catch(() => [])
        : await queryPrometheus(context, one.promql);
      return judgeThreshold(settings, one, samples);
    });
    return (await Promise.all(found)).flat();
  },
};
