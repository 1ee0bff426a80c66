/** Rules that join several settings. Each returns what is wrong, so that all of it can be reported together. */
import { type Check, type Problem, problem } from "./check";
import { peopleChecks } from "./checks-people";
import { coldTierChecks } from "./cold-tier";
import { networkChecks } from "./network";
import { rollupChecks } from "./rollups";
import { byteRateText, goDuration, quantity } from "./units";

const day = 86400;
/** Size of one segment of Alloy's write-ahead log: https://github.com/prometheus/prometheus/blob/main/tsdb/wlog/wlog.go */
const walSegment = 128 * 1024 ** 2;

const minioServers: Check = ({ objectStorage: { kind, minio } }) =>
  problem(
    kind === "minio" && (minio.mode === "standalone" ? minio.servers !== 1 : minio.servers < 4),
    "objectStorage.minio.servers",
    minio.servers,
    minio.mode === "standalone"
      ? "1, because objectStorage.minio.mode is standalone"
      : "4 or more, because objectStorage.minio.mode is distributed",
  );

const minioEndpoint: Check = ({ objectStorage: { minio } }) =>
  problem(
    minio.caFile !== undefined && minio.endpoint === undefined,
    "objectStorage.minio.caFile",
    minio.caFile,
    "nothing, because there is no objectStorage.minio.endpoint that it could belong to",
  );

const externalStorage: Check = ({ objectStorage: { kind, external } }) => {
  if (kind !== "external") return [];
  if (!external)
    return problem(true, "objectStorage.external", undefined, "set, because objectStorage.kind is external");
  return (["loki", "mimir", "tempo"] as const).flatMap((consumer) =>
    problem(
      external[consumer] === undefined,
      `objectStorage.external.${consumer}`,
      undefined,
      "an accessKey and a secretKey (set with --secret), because objectStorage.kind is external",
    ),
  );
};

const bucketNames: Check = ({ objectStorage: { buckets } }) => {
  const entries = Object.entries(buckets);
  return entries.flatMap(([key, { name }], index) =>
    problem(
      entries.findIndex(([, other]) => other.name === name) < index,
      `objectStorage.buckets.${key}.name`,
      name,
      "a name that no other bucket has",
    ),
  );
};

/**
 * The stores delete some time after a retention has ended: Mimir marks a block and deletes it 12 h later, Loki and Tempo
 * after 2 h and 1 h. Until then a bucket's lifecycle must not take parts of it.
 */
const lifecycleMargin: Check = ({ objectStorage }) =>
  problem(
    objectStorage.lifecycleMargin < day,
    "objectStorage.lifecycleMargin",
    goDuration(objectStorage.lifecycleMargin),
    "at least 1d: the stores need up to half a day to delete what is past its retention",
  );

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

const alloyBuffers: Check = (settings) =>
  (["alloyLogs", "alloyMetrics", "alloyTraces"] as const).flatMap((alloy) =>
    problem(
      settings[alloy].buffer < 2 * walSegment,
      `${alloy}.buffer`,
      quantity(settings[alloy].buffer),
      `at least ${quantity(2 * walSegment)}, two segments of the write-ahead log`,
    ),
  );

/** Ingesters keep samples for 13 h: https://grafana.com/docs/mimir/latest/configure/configuration-parameters/#blocks_storage */
const mimirStoreAfter: Check = ({ mimir }) =>
  problem(
    mimir.storeAfter > 12 * 3600,
    "mimir.storeAfter",
    goDuration(mimir.storeAfter),
    "at most 12h, because an ingester has what is newer than 13h only",
  );

/** Bounds of what grows. */
const growth: Check = ({ loki, mimir, tempo, alloyMetrics }) =>
  Object.entries({
    "loki.querier": loki.querier,
    "mimir.querier": mimir.querier,
    "tempo.querier": tempo.querier,
    alloyMetrics,
  }).flatMap(([path, { replicas, maxReplicas }]) =>
    problem(
      maxReplicas < replicas,
      `${path}.maxReplicas`,
      maxReplicas,
      `at least ${path}.replicas, ${replicas}`,
    ),
  );

const passwordGenerations: Check = ({ access: { generations } }) =>
  problem(
    generations.length < 1 || generations.length > 2 || new Set(generations).size < generations.length,
    "access.generations",
    generations,
    "one number, or two different ones while passwords are rotated",
  );

/** A push that is larger than the burst is refused for ever. */
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

/** Sampled once, and counted where the true rate is still known. */
const sampling: Check = ({ tracing: { sampling, metricsFrom } }) => [
  ...problem(
    sampling.appliedBy === "sdk" && Object.keys(sampling.services).length > 0,
    "tracing.sampling.services",
    sampling.services,
    "nothing, because tracing.sampling.appliedBy is sdk and Alloy does not sample a second time",
  ),
  ...problem(
    sampling.appliedBy === "collector" && metricsFrom !== "alloy",
    "tracing.metricsFrom",
    metricsFrom,
    "alloy, because tracing.sampling.appliedBy is collector: Tempo gets too few traces to count by",
  ),
  ...problem(
    sampling.appliedBy === "sdk" && sampling.ratio < 1 && metricsFrom !== "tempo",
    "tracing.metricsFrom",
    metricsFrom,
    "tempo, because the SDKs leave traces out: Tempo's metrics-generator corrects its counts by the ratio",
  ),
];

const cadvisorExposed: Check = ({ cadvisor }) =>
  problem(
    cadvisor.enabled && cadvisor.expose.length === 0,
    "cadvisor.expose",
    cadvisor.expose,
    "serviceMonitor, nodePort or both, because cadvisor.enabled is true",
  );

/** Every `memoryLimit`, wherever it stands, is at least the `memory` beside it. */
const memoryLimits: Check = (settings) => {
  const visit = (node: unknown, path: string): Problem[] => {
    if (typeof node !== "object" || node === null) return [];
    const { memory, memoryLimit } = node as { memory?: number; memoryLimit?: number };
    const here =
      memory !== undefined && memoryLimit !== undefined && memoryLimit < memory
        ? problem(
            true,
            `${path}.memoryLimit`,
            quantity(memoryLimit),
            `at least ${path}.memory, ${quantity(memory)}`,
          )
        : [];
    return [
      ...here,
      ...Object.entries(node).flatMap(([key, child]) => visit(child, path ? `${path}.${key}` : key)),
    ];
  };
  return visit(settings, "");
};

/** All rules that join settings. */
export const checks: Check[] = [
  minioServers,
  minioEndpoint,
  externalStorage,
  bucketNames,
  lifecycleMargin,
  ...coldTierChecks,
  replication,
  lokiCompactor,
  lokiBurst,
  lokiRetention,
  lokiSchema,
  mimirStoreAfter,
  growth,
  passwordGenerations,
  alloyBuffers,
  mimirBurst,
  mimirOutOfOrder,
  mimirRetention,
  ...rollupChecks,
  sampling,
  cadvisorExposed,
  ...peopleChecks,
  ...networkChecks,
  memoryLimits,
];
