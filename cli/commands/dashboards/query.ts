/** A panel's query, and what runs it. */

/** A query as a panel has it, its variables replaced. */
export interface PanelQuery {
  dashboard: string;
  panel: string;
  source: { type: string; uid: string };
  /** Empty for Grafana's service map. */
  expr: string;
  instant: boolean;
}

/** Runs a query over the last hour. @returns series, lines or traces @throws if it is refused */
export type Run = (query: PanelQuery) => Promise<number>;

/** Milliseconds that each query covers. */
export const hour = 3_600_000;
