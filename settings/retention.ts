/** The longest retention of the data in each bucket. */
import type { Settings } from "./schema";

const longest = (store: {
  retention: number;
  tenants: Record<string, { retention?: number | undefined }>;
}): number =>
  Math.max(store.retention, ...Object.values(store.tenants).map((tenant) => tenant.retention ?? 0));

/**
 * The longest retention in each bucket whose objects expire, in seconds: over all kinds and namespaces of logs, and all
 * tenants of metrics and traces. Existing rollups keep their retention if rollups are disabled.
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

/**
 * Longest range of a query that each store allows, in seconds: its whole retention, plus an hour for a start that is
 * rounded down.
 */
export function longestQuery(settings: Settings) {
  const { loki, mimirBlocks, tempo } = longestRetention(settings);
  const hour = 3600;
  return { loki: loki + hour, mimir: mimirBlocks + hour, tempo: tempo + hour };
}
