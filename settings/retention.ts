/** The longest retention of the data in each bucket. */
import { limitedTenants } from "./agents";
import type { Settings } from "./schema";

/** Prometheus' copy of metrics, with a shorter retention than the original. */
const copy = "mimir.tenants.prometheus";
/** The longest retention that a tenant with data has. It is shorter than that of the store if each tenant has a shorter one. */
const ofTenants = (settings: Settings, store: "mimir" | "tempo"): number =>
  Math.max(
    ...limitedTenants(settings, store)
      .filter(({ path }) => path !== copy)
      .map(({ own }) => own.retention ?? settings[store].retention),
  );
const longest = (settings: Settings, store: "mimir" | "tempo"): number =>
  Math.max(
    settings[store].retention,
    ...limitedTenants(settings, store).map(({ own }) => own.retention ?? 0),
  );

/**
 * The longest retention in each bucket whose objects expire, in seconds: over all kinds and namespaces of logs, and all
 * tenants of metrics and traces, including those of agents. Existing rollups keep their retention if rollups are disabled.
 */
export function longestRetention(settings: Settings) {
  const { loki, mimir } = settings;
  const { namespaces, ...kinds } = loki.retention;
  const { fiveMinutes, oneHour } = mimir.rollups;
  return {
    loki: Math.max(...Object.values(kinds), ...Object.values(namespaces)),
    mimirBlocks: Math.max(longest(settings, "mimir"), fiveMinutes.retention, oneHour.retention),
    tempo: longest(settings, "tempo"),
  };
}

/**
 * Retention of the declared load in each store, in seconds: the longest, because the load does not say how much each tenant and
 * namespace sends.
 */
export const loadRetention = (settings: Settings) => ({
  loki: longestRetention(settings).loki,
  mimir: ofTenants(settings, "mimir"),
  tempo: ofTenants(settings, "tempo"),
});

/**
 * Longest range of a query that each store allows, in seconds: its whole retention, plus an hour for a start that is
 * rounded down.
 */
export function longestQuery(settings: Settings) {
  const { loki, mimirBlocks, tempo } = longestRetention(settings);
  const hour = 3600;
  return { loki: loki + hour, mimir: mimirBlocks + hour, tempo: tempo + hour };
}
