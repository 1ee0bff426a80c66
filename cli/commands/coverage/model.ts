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

/** Severity of missing data, worst first. */
export const states = ["blocked", "not collected", "no data now"] as const;
export type State = (typeof states)[number];

/** Causes for which a selector has no series, and their severity: a metric, a label or a value may appear with an event. */
export const stateOf = {
  "dropped by a setting": "blocked",
  "dropped by a monitor": "blocked",
  "in another data source": "blocked",
  "not collected": "not collected",
  "not exposed": "no data now",
  "recorded from nothing": "no data now",
  "no such label": "no data now",
  "no such value": "no data now",
} as const satisfies Record<string, State>;
export type Cause = keyof typeof stateOf;

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
