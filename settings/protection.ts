/**
 * Limits that follow from a component's memory, so that it rejects requests before the kernel kills it (OOM). Each
 * ratio is here once, with its source; docs/guides/sizing.md explains them. A higher memory limit raises them.
 */
import type { Settings } from "./schema";

const MB = 1e6;
const MiB = 1024 ** 2;

/** Go's soft limit (GOMEMLIMIT) as a share of the memory limit. */
export const usableMemory = 0.85;

const usable = ({ memoryLimit }: { memoryLimit: number }): number => memoryLimit * usableMemory;
const between = (least: number, most: number, value: number): number =>
  Math.min(most, Math.max(least, Math.floor(value)));
/** Rounded down to two significant digits, for readable limits. */
const rounded = (value: number): number => {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / step) * step;
};

/** "2.5GB of memory for every 300,000 series in memory": https://grafana.com/docs/mimir/latest/manage/run-production-environment/planning-capacity/#ingester */
const mimirSeriesBytes = (2500 * MB) / 300_000;
/** A cardinality explosion is usually in one to three metrics: those stop growing while the rest still fits. */
const metricShare = 0.2;
/**
 * Maximum number of queries that Mimir's chart lets a querier run at a time, and memory for each: a querier of 2 GiB
 * runs that many.
 */
const mimirQueries = { most: 8, memory: 256 * MiB };
/** Share of a distributor's or an ingester's memory for requests in flight; the rest is for processing and series. */
const inflight = { distributor: 0.25, ingester: 0.1 };

/**
 * Shares of a store-gateway's memory for its caches in memory. With Mimir's defaults, 1 GiB each, they would outgrow it. The index
 * cache is in memory without memcached only.
 */
const storeGatewayCaches = { seriesHashes: 1 / 8, index: 1 / 4 };

/**
 * Memory of a distributor for each sample of a push, until the push is parsed and the limit of bytes counts it. Measured with Mimir 3.2:
 * 30 pushes of 1000 samples at a time take 160 MB of heap, garbage included, with a soft limit of 228 MB.
 */
const pushedSampleBytes = 2000;

/** Limits of a single Mimir process, and of a single query. */
export function mimirProtection({ mimir, alloyMetrics }: Settings) {
  const { ingester, querier, distributor, storeGateway, replicationFactor } = mimir;
  const series = rounded(usable(ingester) / mimirSeriesBytes);
  const carried = rounded((series * ingester.replicas) / Math.min(replicationFactor, ingester.replicas));
  const concurrentQueries = between(2, mimirQueries.most, querier.memoryLimit / mimirQueries.memory);
  return {
    /** Series that one ingester can hold. */
    series,
    /** Series that all ingesters can hold together. */
    carried,
    /** Series of one metric of a tenant. */
    metricSeries: rounded(carried * metricShare),
    concurrentQueries,
    /** Memory of one query, in bytes. */
    queryMemory: Math.floor(usable(querier) / concurrentQueries),
    /** Bytes of pushes that a process handles at a time. */
    distributorInflight: Math.floor(usable(distributor) * inflight.distributor),
    /** Pushes that a distributor works on at a time: after an outage each collector sends what it buffered in many at once. */
    distributorPushes: between(
      10,
      2000,
      (usable(distributor) * inflight.distributor) / (alloyMetrics.samplesPerSend * pushedSampleBytes),
    ),
    ingesterInflight: Math.floor(usable(ingester) * inflight.ingester),
    /** Bytes of a store-gateway's hashes of series, for the sharding of queries. */
    seriesHashCache: Math.floor(storeGateway.memoryLimit * storeGatewayCaches.seriesHashes),
    /** Bytes of a store-gateway's index cache without memcached. */
    indexCache: Math.floor(storeGateway.memoryLimit * storeGatewayCaches.index),
  };
}

/**
 * Measured with Loki 3.7.8: each of 20,000 streams takes 51 kB of heap with 100 lines of 150 bytes, and 4 kB with one
 * line. A stream with more lines holds up to a chunk of 1.5 MB: the memory for them follows from the rate (sizing.ts), and
 * IngesterMemoryNearLimit reports the sum.
 */
const lokiStreamBytes = 64 * 1024;

/** Maximum number of streams of a Loki tenant. */
export const lokiStreams = ({ loki }: Settings): number =>
  rounded(
    ((usable(loki.ingester) / lokiStreamBytes) * loki.ingester.replicas) /
      Math.min(loki.replicationFactor, loki.ingester.replicas),
  );

/**
 * Streams that logs sent by OTLP may have. Applications choose their labels, such as `service.name`; labels of logs from files
 * are the pod's. Loki counts these streams alone, so that both limits together must fit: a quarter is the difference between the
 * 51 kB measured and the bytes above.
 */
export const lokiSentStreams = (settings: Settings): number => rounded(lokiStreams(settings) / 4);

/** Streams of an agent's tenant. Loki has no limit for all tenants together: beyond its memory, every cluster loses logs. */
export const lokiAgentStreams = (settings: Settings, agent: string): number =>
  settings.agents[agent]?.loki?.streams ?? rounded(lokiStreams(settings) / 2);

/**
 * The smallest memory that Tempo documents for a querier, 4 GB, and its default of 20 queries at a time:
 * https://github.com/grafana/tempo/blob/v2.10.7/docs/sources/tempo/set-up-for-tracing/setup-tempo/plan/size.md
 */
const tempoQueries = { most: 20, memory: 200 * MB };

/** Query jobs that a Tempo querier runs at a time. */
export const tempoConcurrentQueries = ({ tempo }: Settings): number =>
  between(2, tempoQueries.most, tempo.querier.memoryLimit / tempoQueries.memory);

/**
 * Measured with Tempo 2.10.8: each of 380,000 series, of 20,000 span names, takes 750 bytes of heap. The collections every
 * 15 s need as much again.
 */
const tempoSeriesBytes = 1500;

/** Active series of a tenant that Tempo generates from spans. Without a limit, span names with IDs cause an OOM kill. */
export const tempoGeneratedSeries = ({ tempo }: Settings): number =>
  rounded(usable(tempo.metricsGenerator) / tempoSeriesBytes);
