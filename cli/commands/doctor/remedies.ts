/** What to do about data that a store rejects. */
import type { Store } from "../../../names";
import type { Settings } from "../../../settings";

/** The settings with a tenant's limits. An agent's are in the hub's list. */
const limitsOf = ({ agents }: Settings, store: Store, tenant: string): string =>
  tenant in agents
    ? `agents.${tenant}.${store}`
    : { loki: "loki", mimir: `mimir.tenants.${tenant}`, tempo: "tempo.limits" }[store];

/** The setting that raises a limit, or another fix, by the reason that a store gives. */
export function remedy(settings: Settings, store: Store, reason: string, tenant: string): string {
  const limits = limitsOf(settings, store, tenant);
  const remedies: Record<Store, Record<string, string>> = {
    loki: {
      rate_limited: `raise ${limits}.ingestionRate and .ingestionBurst, or log less`,
      per_stream_rate_limit: "split the stream by another label, or log less",
      stream_limit: "labels have too many values: find them with the dashboard Loki operations",
      line_too_long: "log shorter lines",
      blocked_ingestion_policy: `compare cluster.name in the stack of agent ${tenant} with agents.${tenant}: the lines name another cluster`,
      greater_than_max_sample_age: "none: these lines are older than Loki accepts, as after a long outage",
    },
    mimir: {
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
