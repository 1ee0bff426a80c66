/** The query timeout, in all stores and in all components between a store and its clients. */
import { group } from "./fields";
import { duration } from "./units";

export const queries = group({
  timeout: duration().describe("Query timeout in Loki, Mimir and Tempo, at their gateways, and in Grafana"),
}).describe("Queries of logs, metrics and traces");

/**
 * Seconds that servers and clients wait for the answer to a query: longer than the query timeout, so that the store's
 * own error arrives, which names the limit.
 */
export const answerTimeout = ({ queries }: { queries: { timeout: number } }): number => queries.timeout + 15;
