/**
 * The acceptable effects of each component's loss, as plain data. Every workload of a stack needs an entry here,
 * otherwise the test fails. Pure.
 */
import type { Signal } from "./account";

/** An acceptable loss, and why it is unavoidable. */
interface Loss {
  /** Maximum number of items; for samples: seconds without one beyond the outage of the component. */
  atMost: number;
  why: string;
}

/** One component's expectation. */
export interface Expectation {
  /** `namespace/name` of the workloads. */
  workload: RegExp;
  /** The component's purpose, in a few words. */
  does: string;
  /** Whether it stores or transports signals, or serves users: then it is paused, too. */
  carries: boolean;
  /** Signals whose stores may be unavailable during the fault. */
  unanswered?: Signal[];
  /** Acceptable losses if no other pod has the same role; other signals must not be lost. */
  loses?: Partial<Record<Signal, Loss>>;
}

const traces: Signal[] = ["traces"];
const lines: Signal[] = ["lines"];
const metrics: Signal[] = ["samples", "written"];
const reading = (workload: RegExp, does: string, unanswered: Signal[]): Expectation => ({
  workload,
  does,
  carries: false,
  unanswered,
});
const writing = (workload: RegExp, does: string, unanswered: Signal[] = []): Expectation => ({
  workload,
  does,
  carries: true,
  unanswered,
});
const aside = (workload: RegExp, does: string): Expectation => ({ workload, does, carries: false });

/** Every component, in the order of the signals' path. */
export const expectations: Expectation[] = [
  writing(/^alloy-logs\/alloy-logs$/, "reads the pods' log files"),
  {
    ...writing(/^alloy-metrics\/alloy-metrics$/, "scrapes metrics"),
    loses: {
      samples: {
        atMost: 60,
        why: "targets without a collector have no samples; with several replicas, others take them over",
      },
    },
  },
  {
    ...writing(/^alloy-traces\/alloy-traces$/, "receives traces"),
    loses: {
      traces: {
        atMost: 10,
        why: "an accepted batch is in memory until it is sent: https://grafana.com/docs/alloy/latest/reference/components/otelcol/otelcol.exporter.otlphttp/#sending_queue",
      },
    },
  },
  writing(/^opentelemetry\/gateway-collector$/, "receives traces for Alloy over further protocols"),
  aside(/^opentelemetry\/opentelemetry-operator$/, "injects instrumentation"),

  writing(/^loki\/loki-gateway$/, "authenticates writers and readers of logs", lines),
  writing(/^loki\/loki-distributor$/, "accepts lines"),
  writing(/^loki\/loki-ingester/, "stores the newest lines", lines),
  reading(
    /^loki\/loki-(querier|query-frontend|query-scheduler|index-gateway)$/,
    "answers queries of logs",
    lines,
  ),
  aside(/^loki\/loki-compactor$/, "compacts and deletes logs"),
  aside(/^loki\/loki-(chunks|results)-cache$/, "caches results and chunks of logs"),

  writing(/^mimir\/mimir-gateway$/, "authenticates writers and readers of metrics", metrics),
  writing(/^mimir\/mimir-distributor$/, "accepts samples"),
  writing(/^mimir\/mimir-ingester/, "stores the newest samples", metrics),
  reading(/^mimir\/mimir-(querier|query-frontend|query-scheduler)$/, "answers queries of metrics", metrics),
  reading(/^mimir\/mimir-store-gateway/, "reads older metrics", metrics),
  aside(
    /^mimir\/mimir-(compactor|ruler|alertmanager|overrides-exporter|rollout-operator)$/,
    "background work on metrics",
  ),
  aside(/^mimir\/mimir-(chunks|index|metadata|results)-cache$/, "caches results and blocks of metrics"),

  writing(/^tempo\/tempo-gateway$/, "authenticates writers and readers of traces", traces),
  writing(/^tempo\/tempo-distributor$/, "accepts spans"),
  {
    ...writing(/^tempo\/tempo-ingester/, "stores the newest traces", traces),
    loses: {
      traces: {
        atMost: 30,
        why: "a trace is in memory until it is cut; three replicas each have it",
      },
    },
  },
  reading(/^tempo\/tempo-(querier|query-frontend)$/, "answers queries of traces", traces),
  aside(/^tempo\/tempo-(compactor|metrics-generator|memcached)$/, "background work on traces"),

  {
    ...writing(/^monitoring\/prometheus-kps-prometheus$/, "scrapes, evaluates rules, writes to Mimir"),
    loses: {
      written: {
        atMost: 60,
        why: "targets without a collector have no samples; each of several replicas scrapes all targets",
      },
    },
  },
  aside(/^monitoring\/alertmanager-kps-alertmanager$/, "sends alerts"),
  aside(/^monitoring\/(kps-operator|kps-kube-state-metrics|node-exporter|cadvisor)$/, "exposes metrics"),
  {
    workload: /^minio\/minio$/,
    does: "stores all data in buckets",
    carries: true,
    unanswered: ["lines", "samples", "written", "traces"],
  },
  { workload: /^grafana\/grafana$/, does: "shows all data", carries: true },
  aside(/^autoscaling\//, "scales other components"),
];

/** The expectation of a workload. @param name `namespace/name` */
export const expectationOf = (name: string): Expectation | undefined =>
  expectations.find(({ workload }) => workload.test(name));
