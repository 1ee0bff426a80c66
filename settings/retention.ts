/** How long the longest-lived of all that lies in a bucket is kept, by the component above the bucket. */
import type { Settings } from "./schema";

const longest = (store: {
  retention: number;
  tenants: Record<string, { retention?: number | undefined }>;
}): number =>
  Math.max(store.retention, ...Object.values(store.tenants).map((tenant) => tenant.retention ?? 0));

/**
 * The longest retention in each bucket whose objects grow old, in seconds: of all kinds and namespaces of logs, of all
 * tenants of metrics and traces. What was rolled up has its retention where roll-ups are off, too.
 */
export function longestRetention({ loki, mimir, tempo }: Pick<Settings, "loki" | "mimir" | "tempo">) {
  const { namespaces, ...kinds } = loki.retention;
  const { fiveMinutes, oneHour } = mimir.rollups;
  return {
    loki: Math.max(...Object.values(kinds), ...Object.values(namespaces)),
    mimirBlocks: Math.max(longest(mimir), fiveMinutes.retention, oneHour.retention),
    tempo: longest(tempo),
  };
}

/** Range of a query, in seconds, that each store allows: all that it keeps, and an hour for a start that is rounded down. */
export function longestQuery(settings: Settings) {
  const { loki, mimirBlocks, tempo } = longestRetention(settings);
  const hour = 3600;
  return { loki: loki + hour, mimir: mimirBlocks + hour, tempo: tempo + hour };
}
