/** Rules that join settings of Loki, Mimir and Tempo. */
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

const lokiBurst: Check = ({ loki }) =>
  problem(
    loki.ingestionBurst < loki.ingestionRate,
    "loki.ingestionBurst",
    byteRateText(loki.ingestionBurst),
    `at least loki.ingestionRate, ${byteRateText(loki.ingestionRate)}`,
  );

/** Loki refuses retention periods under a day: https://grafana.com/docs/loki/latest/operations/storage/retention/ */
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
      "at least 1d, the shortest that Loki keeps",
    ),
  );
};

/** Whether a day such as 2025-02-30 is in the calendar; Date itself counts on into March. */
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
    "at most 12h, because an ingester has what is newer than 13h only",
  );

/** A push that is larger than the burst is always rejected. */
const mimirBurst: Check = ({ mimir, alloyMetrics }) => {
  const bursts = [
    ["mimir.limits.burst", mimir.limits.burst] as const,
    ...Object.entries(mimir.tenants).map(
      ([name, { burst }]) => [`mimir.tenants.${name}.burst`, burst] as const,
    ),
  ];
  return bursts.flatMap(([path, burst]) =>
    problem(
      burst !== undefined && burst < alloyMetrics.samplesPerSend,
      path,
      burst,
      `at least alloyMetrics.samplesPerSend, ${alloyMetrics.samplesPerSend}: a larger push would never be taken`,
    ),
  );
};

/** What waited in a collector while another one took over its targets comes later than newer samples. */
const mimirOutOfOrder: Check = ({ mimir, alloyMetrics }) =>
  problem(
    mimir.limits.outOfOrder < alloyMetrics.bufferAge,
    "mimir.limits.outOfOrder",
    goDuration(mimir.limits.outOfOrder),
    `at least alloyMetrics.bufferAge, ${goDuration(alloyMetrics.bufferAge)}: Mimir would refuse what waited that long`,
  );

/** Blocks are joined to a day each; a shorter retention could not be kept. */
const mimirRetention: Check = ({ mimir }) => {
  const periods = [
    ["mimir.retention", mimir.retention] as const,
    ...Object.entries(mimir.tenants).map(
      ([name, { retention }]) => [`mimir.tenants.${name}.retention`, retention] as const,
    ),
    ["mimir.rollups.fiveMinutes.retention", mimir.rollups.fiveMinutes.retention] as const,
    ["mimir.rollups.oneHour.retention", mimir.rollups.oneHour.retention] as const,
  ];
  return periods.flatMap(([path, period]) =>
    problem(
      period !== undefined && period < day,
      path,
      period && goDuration(period),
      "at least 1d, what the largest block holds",
    ),
  );
};

/** What holds inside the stores. */
export const storeChecks: Check[] = [
  replication,
  lokiCompactor,
  lokiBurst,
  lokiRetention,
  lokiSchema,
  mimirStoreAfter,
];

/** What Mimir takes from collectors, and for how long it keeps it. */
export const mimirLimitChecks: Check[] = [mimirBurst, mimirOutOfOrder, mimirRetention];
