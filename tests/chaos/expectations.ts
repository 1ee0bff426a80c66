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
    ...writing(/^alloy-metrics\/alloy-metrics$/, "scrapes"),
    loses: {
      samples: {
        atMost: 60,
        why: "what nobody scrapes is not there; several replicas take over each other's targets",
      },
    },
  },
  {
    ...writing(/^alloy-traces\/alloy-traces$/, "takes traces"),
    loses: {
      traces: {
        atMost: 10,
        why: "a batch that was taken and not yet sent is in memory: https://grafana.com/docs/alloy/latest/reference/components/otelcol/otelcol.exporter.otlphttp/#sending_queue",
      },
    },
  },
  writing(/^opentelemetry\/gateway-collector$/, "takes traces for Alloy, from who asks it to"),
  aside(/^opentelemetry\/opentelemetry-operator$/, "injects instrumentation"),

  writing(/^loki\/loki-gateway$/, "lets in who writes and reads logs", lines),
  writing(/^loki\/loki-distributor$/, "takes lines"),
  writing(/^loki\/loki-ingester/, "holds the newest lines", lines),
  reading(/^loki\/loki-(querier|query-frontend|query-scheduler)$/, "answers queries of logs", lines),
  aside(/^loki\/loki-compactor$/, "compacts and deletes logs"),
  aside(/^loki\/loki-(chunks|results)-cache$/, "makes queries of logs fast"),

  writing(/^mimir\/mimir-gateway$/, "lets in who writes and reads metrics", metrics),
  writing(/^mimir\/mimir-distributor$/, "takes samples"),
  writing(/^mimir\/mimir-ingester/, "holds the newest samples", metrics),
  reading(/^mimir\/mimir-(querier|query-frontend|query-scheduler)$/, "answers queries of metrics", metrics),
  reading(/^mimir\/mimir-store-gateway/, "reads older metrics", metrics),
  aside(/^mimir\/mimir-(compactor|ruler|alertmanager|overrides-exporter|rollout-operator)$/, "works beside"),
  aside(/^mimir\/mimir-(chunks|index|metadata|results)-cache$/, "makes queries of metrics fast"),

  writing(/^tempo\/tempo-gateway$/, "lets in who writes and reads traces", traces),
  writing(/^tempo\/tempo-distributor$/, "takes spans"),
  {
    ...writing(/^tempo\/tempo-ingester/, "holds the newest traces", traces),
    loses: {
      traces: {
        atMost: 30,
        why: "a trace is in memory until it is cut; three replicas each have it",
      },
    },
  },
  reading(/^tempo\/tempo-(querier|query-frontend)$/, "answers queries of traces", traces),
  aside(/^tempo\/tempo-(compactor|metrics-generator|memcached)$/, "works beside"),

  {
    ...writing(/^monitoring\/prometheus-kps-prometheus$/, "scrapes, evaluates rules, writes to Mimir"),
    loses: {
      written: { atMost: 60, why: "what nobody scrapes is not there; several replicas scrape all, each" },
    },
  },
  aside(/^monitoring\/alertmanager-kps-alertmanager$/, "sends alerts"),
  aside(/^monitoring\/(kps-operator|kube-state-metrics|node-exporter|cadvisor)$/, "has metrics of its own"),
  {
    workload: /^minio\/minio$/,
    does: "keeps all in buckets",
    carries: true,
    unanswered: ["lines", "samples", "written", "traces"],
  },
  { workload: /^grafana\/grafana$/, does: "shows all", carries: true },
  aside(/^autoscaling\//, "scales the others"),
];

/** The expectation of a workload. @param name `namespace/name` */
export const expectationOf = (name: string): Expectation | undefined =>
  expectations.find(({ workload }) => workload.test(name));
