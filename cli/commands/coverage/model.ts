/** What the coverage report is about: who reads which metric where, and why there is nothing. */

/** Where PromQL is evaluated: a datasource of Grafana, or the same store for a rule. */
export interface Source {
  /** The datasource's uid. */
  uid: string;
  /** The datasource's name. */
  name: string;
  /** Users of Mimir's gateway whose tenants are read; none for Prometheus. */
  users: string[];
}

/** Kinds of readers, in the order of the report. */
export const kinds = ["alert", "recording rule", "autoscaler", "dashboard"] as const;
export type Kind = (typeof kinds)[number];

/** A query that somebody has: an alert, a panel, an autoscaler. */
export interface Reading {
  kind: Kind;
  /** The object that holds it: `PrometheusRule shop/api`, `dashboard Shop`. */
  owner: string;
  /** The alert, panel or metric in it. */
  item: string;
  /** Uid of the source that evaluates it. */
  source: string;
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

/** One cause, with what helps. */
export interface Reason {
  cause: Cause;
  /** The metric or selector. */
  what: string;
  /** One sentence. */
  text: string;
  /** A command or an instruction, where there is one. */
  fix?: string;
  /** What metrics.also has to contain. */
  also?: string;
}

/** How bad it is to have no data, worst first. */
export const states = ["blocked", "not collected", "no data now"] as const;
export type State = (typeof states)[number];

const blocking: readonly Cause[] = ["dropped by a setting", "dropped by a monitor", "in another data source"];

/** What a cause alone means. A metric, a label or its value may come with an event: a label that is empty does not exist. */
export const stateOf = (cause: Cause): State =>
  cause === "not collected" ? cause : blocking.includes(cause) ? "blocked" : "no data now";

/** A reading that has no data, and why. */
export interface Gap extends Reading {
  reasons: Reason[];
  state: State;
}

/** A query that was not judged. */
export interface Unjudged {
  owner: string;
  item: string;
  why: string;
}

/** A metric that is stored and that nothing reads. */
export interface Unread {
  metric: string;
  /** Series in Mimir's tenants pods and nodes. */
  mimir: number;
  /** Series in Prometheus. */
  prometheus: number;
  /** Share of the series of Mimir's tenants pods and nodes. */
  share: number;
}
