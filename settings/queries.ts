/** How long a query may take, in all stores and in everything between a store and the reader. */
import { group } from "./fields";
import { duration } from "./units";

export const queries = group({
  timeout: duration().describe(
    "How long a query may take: in Loki, Mimir and Tempo, at their gateways and in Grafana",
  ),
}).describe("Queries of logs, metrics and traces");

/**
 * Seconds that servers and clients wait for the answer to a query: longer than the query may take, so that the store's own
 * error arrives, which names the limit.
 */
export const answerTimeout = ({ queries }: { queries: { timeout: number } }): number => queries.timeout + 15;
