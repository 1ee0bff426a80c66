/** The parts of Loki's configuration that the chart does not set: https://grafana.com/docs/loki/latest/configure/ */
import {
  logJobs,
  lokiFrontendAddress,
  lokiIndexGatewayAddress,
  lokiSchedulerAddress,
  sentLogs,
  smokeTest,
  systemNamespaces,
} from "../names";
import type { Settings } from "../settings";
import { lokiAgentStreams, lokiSentStreams, lokiStreams } from "../settings/protection";
import { answerTimeout } from "../settings/queries";
import { longestQuery } from "../settings/retention";
import { goDuration, megabytes } from "../settings/units";
import { memberlist } from "./gossip";
import { isIpv6, ringMember, serverNetwork } from "./ip-family";
import { azureBlob, s3, storageApi } from "./object-storage";
import { anyOf, grpcServerKeepalive, type Values } from "./shared";

/** Whether entries can have structured metadata: only the tsdb index supports it, and otherwise Loki does not start. */
export const hasStructuredMetadata = ({ loki }: Settings): boolean =>
  loki.schema.every(({ store }) => store === "tsdb");

/** Labels that the collectors send over OTLP, as resource or record attributes; each becomes a label of the stream. */
const otlpLabels = [
  ...["service.name", "service_name", "namespace", "pod_name", "container_name", "node_name"],
  ...["job", "cluster", "unit", "level"],
];

/** For a stream, the retention with the highest priority applies: smoke test, namespace, debug, other sources, system. */
const priority = { system: 1, source: 2, debug: 3, namespace: 4, smokeTest: 5 };

/** Retention by stream; all other streams have the retention of application logs. */
function retentionStreams(settings: Settings) {
  const { retention } = settings.loki;
  return [
    {
      selector: `{namespace=~"${anyOf(systemNamespaces(settings))}"}`,
      priority: priority.system,
      period: goDuration(retention.system),
    },
    {
      selector: `{job="${logJobs.journal}"}`,
      priority: priority.source,
      period: goDuration(retention.journal),
    },
    {
      selector: `{job="${logJobs.events}"}`,
      priority: priority.source,
      period: goDuration(retention.events),
    },
    { selector: '{level="debug"}', priority: priority.debug, period: goDuration(retention.debug) },
    ...Object.entries(retention.namespaces).map(([namespace, period]) => ({
      selector: `{namespace="${namespace}"}`,
      priority: priority.namespace,
      period: goDuration(period),
    })),
    {
      selector: `{namespace="${smokeTest.namespace}"}`,
      priority: priority.smokeTest,
      period: goDuration(smokeTest.retention),
    },
  ];
}

function storage(settings: Settings): Values {
  const { loki } = settings.objectStorage.buckets;
  const type = storageApi(settings);
  // The ruler is off, but the chart requires a bucket for it.
  const bucket = { type, bucketNames: { chunks: loki.name, ruler: loki.name } };
  if (type === "gcs") return bucket;
  if (type === "azure") {
    const { account, suffix } = azureBlob(settings);
    return {
      ...bucket,
      azure: { accountName: account, endpointSuffix: suffix, useFederatedToken: true },
    };
  }
  const { endpoint, region, tls, pathStyle, keys, caFile } = s3(settings);
  return {
    ...bucket,
    s3: {
      endpoint: `${tls ? "https" : "http"}://${endpoint}`,
      region,
      ...(keys && { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey }),
      s3ForcePathStyle: pathStyle,
      insecure: !tls,
      ...(caFile && { http_config: { ca_file: caFile } }),
    },
  };
}

/**
 * The queue between query-frontends and queriers. Without a query-scheduler, a query-frontend is unready while no
 * querier is connected to it, which canceled queries can cause under load.
 */
function queryPath(settings: Settings): Values {
  const scheduled = settings.loki.queryScheduler.replicas > 0;
  const scheduler = { scheduler_address: scheduled ? lokiSchedulerAddress(settings) : "" };
  return {
    frontend: scheduler,
    frontend_worker: {
      ...scheduler,
      ...(!scheduled && { frontend_address: lokiFrontendAddress(settings) }),
    },
  };
}

/**
 * Accepts only streams of its own cluster. Loki discards all others, with the reason `blocked_ingestion_policy`.
 * Clients could select another policy in a header, which the gateway removes.
 */
const ownStreams = (cluster: string) => ({
  policy_stream_mapping: { own: [{ selector: `{cluster="${cluster}"}`, priority: 1 }] },
  block_ingestion_policy_until: { "*": "2200-01-01T00:00:00Z" },
});

/** Limits of the agents' tenants. */
const agentLimits = (settings: Settings) =>
  Object.fromEntries(
    Object.entries(settings.agents).map(([name, { loki, removed }]) => [
      name,
      {
        ...ownStreams(name),
        max_global_streams_per_user: lokiAgentStreams(settings, name),
        // The shortest retention that Loki accepts, for all of its streams.
        ...(removed === "deleteData" && { retention_period: "24h", retention_stream: [] }),
        ...(loki?.ingestionRate && {
          per_stream_rate_limit: `${loki.ingestionRate}B`,
          ingestion_rate_mb: megabytes(loki.ingestionRate),
        }),
        ...(loki?.ingestionBurst && {
          per_stream_rate_limit_burst: `${loki.ingestionBurst}B`,
          ingestion_burst_size_mb: megabytes(loki.ingestionBurst),
        }),
      },
    ]),
  );

/** Values for the chart's `loki`. */
export function lokiConfiguration(settings: Settings): Values {
  const { loki } = settings;
  const hasAgents = Object.keys(settings.agents).length > 0;
  const indexDirectories = {
    active_index_directory: "/var/loki/index",
    cache_location: "/var/loki/index_cache",
    // Without an address, queriers download the index. The chart would always set one.
    index_gateway_client: {
      server_address: loki.indexGateway.replicas > 0 ? `dns+${lokiIndexGatewayAddress(settings)}` : "",
    },
  };
  return {
    auth_enabled: true,
    commonConfig: {
      replication_factor: loki.replicationFactor,
      // A common ring without a store would use Consul.
      ...(isIpv6(settings) && { ring: { kvstore: { store: "memberlist" }, ...ringMember(settings) } }),
    },
    extraMemberlistConfig: memberlist("loki", settings),
    storage: storage(settings),
    schemaConfig: {
      configs: loki.schema.map(({ from, store }) => ({
        from,
        store,
        object_store: storageApi(settings),
        schema: "v13",
        index: { prefix: "loki_index_", period: "24h" },
      })),
    },
    storage_config: {
      boltdb_shipper: indexDirectories,
      tsdb_shipper: indexDirectories,
      index_cache_validity: "2m",
    },
    server: {
      ...grpcServerKeepalive,
      ...serverNetwork(settings),
      http_server_read_timeout: goDuration(answerTimeout(settings)),
      http_server_write_timeout: goDuration(answerTimeout(settings)),
    },
    ingester: {
      chunk_encoding: "snappy",
      // With boltdb-shipper, the index of a flushed chunk is readable within a minute, and cached responses hide it for
      // as long as they are valid. Until then, queries need the chunk in memory.
      chunk_retain_period: "4m",
      wal: {
        flush_on_shutdown: true,
        replay_memory_ceiling: `${megabytes(loki.ingester.memoryLimit) / 2}MB`,
      },
    },
    // A failed health check closes the connection to an ingester: metric queries then return only the samples that they
    // have received, without an error. Loki's default of 1 s is shorter than the pauses of a busy node.
    ingester_client: { pool_config: { remote_timeout: "10s" } },
    compactor: {
      working_directory: "/var/loki/compactor",
      retention_enabled: true,
      delete_request_store: storageApi(settings),
    },
    limits_config: {
      retention_period: goDuration(loki.retention.application),
      retention_stream: retentionStreams(settings),
      query_timeout: goDuration(settings.queries.timeout),
      // Loki's own default. Chunks span up to 2 h, and each split reads a chunk again. With the chart's 15 min, a
      // search over 24 h takes 2.7 times the CPU, and three times the bytes.
      split_queries_by_interval: "1h",
      max_query_length: goDuration(longestQuery(settings).loki),
      // Loki's default of 500 rejects logs by pod in a cluster with more pods, even `topk` of them over more than an hour. With
      // the points of a Grafana panel, 5000 series are no more samples than 500 series with Loki's 11,000 points.
      max_query_series: 5000,
      // Live tails of all people. Loki's default is 10.
      max_concurrent_tail_requests: 100,
      max_global_streams_per_user: lokiStreams(settings),
      // Loki counts the streams of each policy only if an ingester counts the streams that it owns.
      use_owned_stream_count: true,
      policy_override_limits: { [sentLogs]: { max_global_streams_per_user: lokiSentStreams(settings) } },
      // Only the tenant's limit applies. A rejected stream would block all logs of its node, and Loki shards busy
      // streams.
      per_stream_rate_limit: `${loki.ingestionRate}B`,
      per_stream_rate_limit_burst: `${loki.ingestionBurst}B`,
      ingestion_rate_mb: megabytes(loki.ingestionRate),
      ingestion_burst_size_mb: megabytes(loki.ingestionBurst),
      // A longer line is truncated and marked.
      max_line_size: `${loki.maxLineSize}B`,
      max_line_size_truncate: true,
      max_line_size_truncate_identifier: " [truncated]",
      otlp_config: {
        resource_attributes: {
          // Loki's own list has more labels, some of which differ for each pod.
          ignore_defaults: hasStructuredMetadata(settings),
          attributes_config: [{ action: "index_label", attributes: otlpLabels }],
        },
        log_attributes: [{ action: "index_label", attributes: otlpLabels }],
      },
      allow_structured_metadata: hasStructuredMetadata(settings),
    },
    ...(hasAgents && { runtimeConfig: { overrides: agentLimits(settings) } }),
    ...queryPath(settings),
    // Of all query-schedulers or query-frontends together. A canceled query closes its connection for up to 5 s.
    querier: {
      max_concurrent: 16,
      // Lines that waited for hours, such as during an outage, are in memory first. With Loki's 3 h, queries do not find them
      // until their chunk is flushed.
      query_ingesters_within: "24h",
      ...(hasAgents && { multi_tenant_queries_enabled: true }),
    },
    query_range: {
      // TSDB splits a query by the size of its data. boltdb-shipper splits every query into 16, which doubles the CPU
      // of small ones without a benefit: long ranges are split by time.
      parallelise_shardable_queries: loki.schema.at(-1)?.store === "tsdb",
      ...(loki.resultsCache.replicas === 0 && {
        cache_results: true,
        results_cache: {
          cache: { embedded_cache: { enabled: true, max_size_mb: megabytes(loki.resultsCache.memory) } },
        },
      }),
    },
    analytics: { reporting_enabled: false },
  };
}
