/** Rules about Loki, Mimir and Tempo. */
import { limitedTenants } from "./agents";
import { type Check, problem } from "./check";
import { byteRateText, day, goDuration } from "./units";

const replication: Check = (settings) =>
  (["loki", "mimir", "tempo"] as const).flatMap((store) => {
    const { replicationFactor, ingester } = settings[store];
    return problem(
      replicationFactor > ingester.replicas,
      `${store}.replicationFactor`,
      replicationFactor,
      `at most ${store}.ingester.replicas, ${ingester.replicas}`,
    );
  });

const lokiCompactor: Check = ({ loki }) =>
  problem(
    loki.compactor.replicas !== 1,
    "loki.compactor.replicas",
    loki.compactor.replicas,
    "1: two compactors would rewrite the same index",
  );

const lokiBurst: Check = ({ loki, agents }) => {
  const all = [
    { path: "loki", own: loki },
    ...Object.entries(agents).map(([name, { loki: own = {} }]) => ({ path: `agents.${name}.loki`, own })),
  ];
  return all.flatMap(({ path, own }) => {
    const { ingestionRate = loki.ingestionRate, ingestionBurst = loki.ingestionBurst } = own;
    return problem(
      ingestionBurst < ingestionRate,
      `${path}.ingestionBurst`,
      byteRateText(ingestionBurst),
      `at least ${path}.ingestionRate, ${byteRateText(ingestionRate)}`,
    );
  });
};

/** Loki rejects retention periods under a day: https://grafana.com/docs/loki/latest/operations/storage/retention/ */
const lokiRetention: Check = ({ loki: { retention } }) => {
  const { namespaces, ...rest } = retention;
  const all = [
    ...Object.entries(rest),
    ...Object.entries(namespaces).map(([name, period]) => [`namespaces.${name}`, period] as const),
  ];
  return all.flatMap(([key, period]) =>
    problem(
      period < day,
      `loki.retention.${key}`,
      goDuration(period),
      "at least 1d, the minimum that Loki accepts",
    ),
  );
};

/** Whether a day exists in the calendar; Date itself turns 2025-02-30 into a day in March. */
const exists = (day: string): boolean => {
  const date = new Date(day);
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(day);
};

const lokiSchema: Check = ({ loki: { schema } }) => {
  if (schema.length === 0) return problem(true, "loki.schema", [], "at least one period");
  return schema.flatMap(({ from }, index) => [
    ...problem(!exists(from), `loki.schema[${index}].from`, from, "a date that exists"),
    ...problem(
      index > 0 && from <= (schema[index - 1]?.from ?? ""),
      `loki.schema[${index}].from`,
      from,
      `later than the period before it, ${schema[index - 1]?.from}`,
    ),
  ]);
};

/** Ingesters keep samples for 13 h: https://grafana.com/docs/mimir/latest/configure/configuration-parameters/#blocks_storage */
const mimirStoreAfter: Check = ({ mimir }) =>
  problem(
    mimir.storeAfter > 12 * 3600,
    "mimir.storeAfter",
    goDuration(mimir.storeAfter),
    "at most 12h, because an ingester has only samples newer than 13h",
  );

/** A push larger than the burst is always rejected. */
const mimirBurst: Check = (settings) => {
  const { mimir, alloyMetrics } = settings;
  const bursts = [
    ["mimir.limits.burst", mimir.limits.burst] as const,
    ...limitedTenants(settings, "mimir").map(({ path, own }) => [`${path}.burst`, own.burst] as const),
  ];
  return bursts.flatMap(([path, burst]) =>
    problem(
      burst !== undefined && burst < alloyMetrics.samplesPerSend,
      path,
      burst,
      `at least alloyMetrics.samplesPerSend, ${alloyMetrics.samplesPerSend}: a larger push would always be rejected`,
    ),
  );
};

/** Samples that a collector buffered while another one took over its targets arrive after newer samples. */
const mimirOutOfOrder: Check = ({ mimir, alloyMetrics }) =>
  problem(
    mimir.limits.outOfOrder < alloyMetrics.bufferAge,
    "mimir.limits.outOfOrder",
    goDuration(mimir.limits.outOfOrder),
    `at least alloyMetrics.bufferAge, ${goDuration(alloyMetrics.bufferAge)}: Mimir would reject samples that were buffered that long`,
  );

/** The largest blocks hold a day; a shorter retention has no effect. */
const mimirRetention: Check = (settings) => {
  const { mimir } = settings;
  const periods = [
    ["mimir.retention", mimir.retention] as const,
    ...limitedTenants(settings, "mimir").map(
      ({ path, own }) => [`${path}.retention`, own.retention] as const,
    ),
    ["mimir.rollups.fiveMinutes.retention", mimir.rollups.fiveMinutes.retention] as const,
    ["mimir.rollups.oneHour.retention", mimir.rollups.oneHour.retention] as const,
  ];
  return periods.flatMap(([path, period]) =>
    problem(
      period !== undefined && period < day,
      path,
      period && goDuration(period),
      "at least 1d, the range of the largest block",
    ),
  );
};

/** Rules about the stores themselves. */
export const storeChecks: Check[] = [
  replication,
  lokiCompactor,
  lokiBurst,
  lokiRetention,
  lokiSchema,
  mimirStoreAfter,
];

/** Rules about Mimir's limits for collectors, and its retention. */
export const mimirLimitChecks: Check[] = [mimirBurst, mimirOutOfOrder, mimirRetention];
