import { namespaces, type Store, stores } from "../../../../names";
import type { Settings } from "../../../../settings";
import type { Check, Finding } from "../check";
import { type Sample, total } from "../metrics";
import { query } from "../prometheus";
import { age, type Reading, readings } from "../readings";

/** Per store: what it counts as refused, what as received, and where one reads on. */
const counters: Record<
  Store,
  { refused: string; received: string; what: string; refusedPage: string; nothingPage: string }
> = {
  loki: {
    refused: "loki_discarded_samples_total",
    received: "loki_distributor_lines_received_total",
    what: "lines",
    refusedPage: "docs/operations/runbooks/LogsRejected.md",
    nothingPage: "docs/operations/runbooks/NoLogsIngested.md",
  },
  mimir: {
    refused: "cortex_discarded_samples_total",
    received: "cortex_distributor_received_samples_total",
    what: "samples",
    refusedPage: "docs/operations/runbooks/MetricsRejected.md",
    nothingPage: "docs/operations/runbooks/NoMetricsIngested.md",
  },
  tempo: {
    refused: "tempo_discarded_spans_total",
    received: "tempo_distributor_spans_received_total",
    what: "spans",
    refusedPage: "docs/operations/runbooks/TracesRejected.md",
    nothingPage: "docs/operations/runbooks/NoTracesIngested.md",
  },
};

/** The settings with a tenant's limits. An agent's are in the hub's list. */
export const limitsOf = ({ agents }: Settings, store: Store, tenant: string): string =>
  tenant in agents
    ? `agents.${tenant}.${store}`
    : { loki: "loki", mimir: `mimir.tenants.${tenant}`, tempo: "tempo.limits" }[store];

/** The setting that raises a limit, or what else to do, by the reason that a store gives. */
export function remedy(settings: Settings, store: Store, reason: string, tenant: string): string {
  const limits = limitsOf(settings, store, tenant);
  const remedies: Record<Store, Record<string, string>> = {
    loki: {
      rate_limited: `raise ${limits}.ingestionRate and .ingestionBurst, or log less`,
      per_stream_rate_limit: "split the stream by another label, or log less",
      stream_limit: "labels have too many values: find them with the dashboard Loki operations",
      line_too_long: "log shorter lines",
      greater_than_max_sample_age: "nothing: these lines are older than Loki takes, as after a long stop",
    },
    mimir: {
      rate_limited: `raise ${limits}.samplesPerSecond and .burst, or send less`,
      per_user_series_limit: `raise ${limits}.series, or send fewer series`,
      per_metric_series_limit: "one metric has too many series: drop a label of it",
    },
    tempo: {
      rate_limited: `raise ${limits}.rate and .burst, or sample more strictly (tracing.sampling)`,
      live_traces_exceeded: `raise ${limits}.liveTraces, or sample more strictly (tracing.sampling)`,
      trace_too_large: `raise ${limits}.traceSize, or end traces sooner`,
    },
  };
  return (
    remedies[store][reason] ??
    `see what ${store} says of it: kubectl -n ${store} logs -l app.kubernetes.io/component=distributor --tail=50`
  );
}

/** What a store refused: by tenant and reason, how many in the last minutes. */
export function judgeRefused(settings: Settings, store: Store, refused: Sample[], span: string): Finding[] {
  const { what, refusedPage } = counters[store];
  const groups = new Map<string, number>();
  for (const { labels, value } of refused) {
    const key = `${labels["tenant"] ?? labels["user"] ?? ""}\n${labels["reason"] ?? ""}`;
    groups.set(key, Math.max(groups.get(key) ?? 0, value));
  }
  return [...groups]
    .filter(([, value]) => value >= 1)
    .map(([key, value]): Finding => {
      const [tenant = "", reason = ""] = key.split("\n");
      return {
        severity: "warning",
        layer: "signals",
        what: `${store} refuses ${what} of tenant ${tenant}: ${reason}`,
        evidence: `${counters[store].refused}: ${Math.round(value)} ${what} within ${span}`,
        fix: remedy(settings, store, reason, tenant),
        page: refusedPage,
      };
    });
}

/** Minutes of Prometheus' past: who is refused waits ever longer before he tries again. */
const past = 3;

/** Minutes after which the stack's own logs and metrics must have come. */
const silence = 5;

const growthOf = (all: Reading[], store: Store, name: string): Sample[] =>
  all.filter(({ key }) => key === store).flatMap(({ grown }) => grown(name));

/** Added up over pods, by the labels that matter. */
function byTenant(samples: Sample[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const { labels, value } of samples) {
    const { tenant = labels["user"] ?? "", reason = "" } = labels;
    const key = `${tenant}\n${reason}`;
    sums.set(key, { labels: { tenant, reason }, value: (sums.get(key)?.value ?? 0) + value });
  }
  return [...sums.values()];
}

/**
 * Whether a store that runs receives nothing at all.
 *
 * @param received in the last minutes, as Prometheus knows; it is not judged where that is not known
 * @param expected whether anything had to come
 */
export function judgeSilence(store: Store, received: number | undefined, expected: boolean): Finding[] {
  if (received !== 0 || !expected) return [];
  const { what, nothingPage, received: counter } = counters[store];
  return [
    {
      severity: "critical",
      layer: "signals",
      what: `${store} has received no ${what} at all for ${silence} minutes`,
      evidence: `${counter} did not grow, and its distributors run`,
      fix:
        "see what the collector says: kubectl -n alloy-" +
        { loki: "logs", mimir: "metrics", tempo: "traces" }[store] +
        " logs -l app.kubernetes.io/name=alloy --tail=50",
      page: nothingPage,
    },
  ];
}

/** What Loki, Mimir and Tempo refuse, by tenant and reason; and whether anything comes at all. */
export const check: Check = {
  name: "ingestion",
  async look(context) {
    const { settings } = context;
    const own = namespaces(settings);
    const names = stores.map((store) => counters[store]);
    const arrived = [...names.map(({ received }) => received), "otelcol_receiver_accepted_spans_total"];
    const [all, refused, received] = await Promise.all([
      readings(context),
      query(
        context,
        `sum by (namespace, tenant, user, reason) (increase({__name__=~"${names.map(({ refused }) => refused).join("|")}"}[${past}m])) > 0`,
      ),
      // Namespaces tell them apart: the collector's spans come last.
      query(context, `sum by (namespace) (increase({__name__=~"${arrived.join("|")}"}[${silence}m]))`),
    ]);
    return stores.flatMap((store) => {
      const now = byTenant(growthOf(all, store, counters[store].refused));
      const before = byTenant(refused?.filter(({ labels }) => labels["namespace"] === own[store]) ?? []);
      const distributors = all.filter(({ component }) => component === `${store}-distributor`);
      const settled = distributors.length > 0 && distributors.every((one) => age(one) > (silence + 2) * 60);
      const come = (namespace: string) =>
        received && total(received.filter(({ labels }) => labels["namespace"] === namespace));
      // Applications need not send traces; what the collector takes has to arrive.
      const expected = settled && (store !== "tempo" || (come(own.alloyTraces) ?? 0) > 60);
      const just = total(growthOf(all, store, counters[store].received));
      return [
        ...judgeRefused(settings, store, [...now, ...before], `${past} minutes`),
        ...judgeSilence(store, just ? just : come(own[store]), expected),
      ];
    });
  },
};
