/** How long a query may take, in all stores and in everything between a store and the reader. */
import { group } from "./fields";
import { longestRetention } from "./retention";
import type { Settings } from "./schema";
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
export const answerTimeout = ({ queries }: Settings): number => queries.timeout + 15;

/** Range of a query, in seconds, that each store allows: all that it keeps, and an hour for a start that is rounded down. */
export function longestQuery(settings: Settings) {
  const { loki, mimirBlocks, tempo } = longestRetention(settings);
  const hour = 3600;
  return { loki: loki + hour, mimir: mimirBlocks + hour, tempo: tempo + hour };
}
