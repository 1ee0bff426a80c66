/** The types of the coverage report: queries, the stores that evaluate them, and reasons for missing data. */

/** A store that evaluates PromQL, as a data source of Grafana. */
export interface Source {
  uid: string;
  name: string;
  /** Users of Mimir's gateway whose tenants are read; none for Prometheus. */
  users: string[];
}

/** Kinds of readers, in the order of the report. */
export const kinds = ["alert", "recording rule", "autoscaler", "dashboard"] as const;
export type Kind = (typeof kinds)[number];

/** A query of an alert, a panel or an autoscaler. */
export interface Reading {
  kind: Kind;
  /** The object that holds it: `PrometheusRule shop/api`, `dashboard Shop`. */
  owner: string;
  /** The alert, panel or metric in it. */
  item: string;
  /** The source that evaluates it, or why that is unknown. */
  source: Source | { why: string };
  expr: string;
  /** What a rule records. */
  records?: string;
}

/** Why a selector has no series. */
export type Cause =
  | "dropped by a setting"
  | "dropped by a monitor"
  | "in another data source"
  | "not collected"
  | "not exposed"
  | "recorded from nothing"
  | "no such label"
  | "no such value";

/** A cause with its fix. */
export interface Reason {
  cause: Cause;
  /** The metric or selector. */
  what: string;
  text: string;
  /** A command or an instruction. */
  fix?: string;
  /** The metric that metrics.also needs. */
  also?: string;
}

/** Severity of missing data, worst first. */
export const states = ["blocked", "not collected", "no data now"] as const;
export type State = (typeof states)[number];

const blocking: readonly Cause[] = ["dropped by a setting", "dropped by a monitor", "in another data source"];

/** The state of a cause. A metric, a label or a value may appear with an event. */
export const stateOf = (cause: Cause): State =>
  cause === "not collected" ? cause : blocking.includes(cause) ? "blocked" : "no data now";

/** A query without data. */
export interface Gap extends Omit<Reading, "source"> {
  /** Uid of the source that evaluates it. */
  source: string;
  reasons: Reason[];
  state: State;
}

/** A query that was not checked. */
export interface Unjudged {
  owner: string;
  item: string;
  why: string;
}

/** A stored metric that nothing reads. */
export interface Unread {
  metric: string;
  /** Series in Mimir's tenants pods and nodes. */
  mimir: number;
  prometheus: number;
  /** Share of the series of Mimir's tenants pods and nodes. */
  share: number;
}
